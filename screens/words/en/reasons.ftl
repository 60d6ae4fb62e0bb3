### Why something is suggested, by the code of the server and the page (kiosk, taxi, me).

reason_kiosk_usual = You often order this
reason_kiosk_usual_basket = Your usual order
reason_kiosk_last_time = You had this last time
reason_kiosk_had_before = You have had this before
reason_kiosk_with_basket = Goes with your order
reason_kiosk_popular_here = Popular here at this time
reason_kiosk_alike = Guests with a taste like yours choose this
reason_kiosk_new = New for you
reason_kiosk_same_taste = Guests who order this choose it too
reason_kiosk_same_kind = Of the same kind
reason_kiosk_suggested = On the menu now
reason_kiosk_on_the_menu = On the menu
reason_kiosk_offer = An offer for today
reason_kiosk_offer_of_the_house = An offer for everybody
reason_taxi_usual = You often go here
reason_taxi_usual_now = You often go here at this time
reason_taxi_weekly = About every week at this time
reason_taxi_from_here = You often go here from where you are now
reason_taxi_been_there = You have gone here before
reason_taxi_return = An earlier ride began here
reason_taxi_follows = Others often go here from where you are now
reason_taxi_alike = People with similar rides go here
reason_taxi_popular_near = Popular near here at this time
reason_taxi_popular_here = Popular near here
reason_taxi_suggested = One of your suggestions
reason_taxi_on_the_map = A place you can go to
reason_me_usual = You often choose this
reason_me_usual_basket = Your usual order
reason_me_usual_now = You often choose this at this time
reason_me_last_time = You had this last time
reason_me_had_before = You have had this before
reason_me_alike = People with a taste like yours choose this
reason_me_popular_here = Popular here at this time
reason_me_popular_near = Popular near here
reason_me_new = New for you
reason_me_suggested = Available now
reason_me_weekly = About every week at this time
reason_me_often = You often go here
reason_me_from_here = You often go here from where you are now
reason_me_been_there = You have gone here before
reason_me_return = An earlier ride began here
reason_me_follows = Others often go here from where you are now
reason_kiosk_counted = { $visits ->
    [one] You ordered this on your last visit
   *[other] You ordered this on { $orders } of your last { $visits } visits
}
reason_kiosk_offer_until = Until { DATETIME($day, day: "numeric", month: "long", timeZone: "UTC") }
