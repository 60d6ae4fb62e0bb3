### Why something is suggested, by the code of the server and the page (kiosk, taxi, me).

reason_kiosk_usual = Das bestellen Sie oft
reason_kiosk_usual_basket = Ihre übliche Bestellung
reason_kiosk_last_time = Das hatten Sie beim letzten Mal
reason_kiosk_had_before = Das hatten Sie schon einmal
reason_kiosk_with_basket = Passt zu Ihrer Bestellung
reason_kiosk_popular_here = Um diese Zeit hier beliebt
reason_kiosk_alike = Wählen Gäste mit ähnlichem Geschmack
reason_kiosk_new = Neu für Sie
reason_kiosk_same_taste = Wer dies bestellt, wählt auch das
reason_kiosk_same_kind = Von derselben Art
reason_kiosk_suggested = Jetzt auf der Karte
reason_kiosk_offer = Ein Angebot für heute
reason_taxi_usual = Dorthin fahren Sie oft
reason_taxi_usual_now = Um diese Zeit fahren Sie oft dorthin
reason_taxi_weekly = Etwa jede Woche um diese Zeit
reason_taxi_from_here = Von hier aus fahren Sie oft dorthin
reason_taxi_been_there = Dort waren Sie schon
reason_taxi_return = Dort begann eine frühere Fahrt
reason_taxi_follows = Von hier aus ein häufiges Ziel
reason_taxi_alike = Ziel von Menschen mit ähnlichen Fahrten
reason_taxi_popular_near = In der Nähe um diese Zeit beliebt
reason_taxi_popular_here = In der Nähe beliebt
reason_taxi_suggested = Einer Ihrer Vorschläge
reason_me_usual = Das wählen Sie oft
reason_me_usual_basket = Ihre übliche Bestellung
reason_me_usual_now = Um diese Zeit wählen Sie das oft
reason_me_last_time = Das hatten Sie beim letzten Mal
reason_me_had_before = Das hatten Sie schon einmal
reason_me_alike = Wählen Menschen mit ähnlichem Geschmack
reason_me_popular_here = Um diese Zeit hier beliebt
reason_me_popular_near = In der Nähe beliebt
reason_me_new = Neu für Sie
reason_me_suggested = Steht gerade zur Wahl
reason_me_weekly = Etwa jede Woche um diese Zeit
reason_me_often = Dorthin fahren Sie oft
reason_me_from_here = Von hier aus fahren Sie oft dorthin
reason_me_been_there = Dort waren Sie schon
reason_me_return = Dort begann eine frühere Fahrt
reason_me_follows = Von hier aus ein häufiges Ziel
reason_kiosk_on_the_menu = Steht auf der Karte
reason_kiosk_offer_of_the_house = Ein Angebot für alle
reason_taxi_on_the_map = Ein Ziel in der Umgebung
reason_kiosk_counted = { $visits ->
    [one] Bei Ihrem letzten Besuch bestellt
   *[other] Bei { $orders } Ihrer letzten { $visits } Besuche bestellt
}
reason_kiosk_offer_until = Bis zum { DATETIME($day, day: "numeric", month: "long", timeZone: "UTC") }
