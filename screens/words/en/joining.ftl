### Opting in: notice, boxes, the code that is handed out.

consent_title = Shall we remember you?
consent_lead = Choose what for. Each choice stands alone, and you can take it back here at any time.
purpose_orders = My usual orders
purpose_orders_text = Suggest what I usually order, and what I might like.
purpose_offers = Offers
purpose_offers_text = Pick the offers that suit me. Prices are the same for everybody.
purpose_destinations = Taxi destinations
purpose_destinations_text = Suggest places I ride to. They are shown only after my PIN.
consent_notice = What happens with your data
consent_where = Responsible: { $controller }. Contact: { $contact }.
notice_more = Read all of it
notice_less = Show less
consent_age = I am { $age } or older.
consent_agree = Agree, with my face
consent_agree_code = Agree, without a face
consent_no = No, thank you
consent_missing_purpose = Please choose at least one, or go back.
consent_missing_age = Please confirm your age, or go back.
earlier_open = I have a code from before
earlier_noted = Code from before: noted
earlier_label = Your code from before
earlier_text = Were you remembered here before? With your code, your usual orders and your PIN stay. You get a new code.
earlier_use = Go on with this code
earlier_without = Without a code
earlier_unknown_title = This code is not known
earlier_unknown_text = Nothing was kept. Please check your code from before, or go on without it.
enrol_failed = We could not sign you up. Nothing was kept. Please try again later.
receipt_title = Here is your code
receipt_text = It ends everything at any time, also without your face. Take a picture of it or write it down.
receipt_text_code = With your PIN it opens your suggestions; alone it ends everything. Take a picture of it or write it down.
receipt_seconds = { $seconds ->
    [one] You are not remembered yet. Please confirm within 1 second.
   *[other] You are not remembered yet. Please confirm within { $seconds } seconds.
}
receipt_have = I have it
receipt_no = No, do not remember me
receipt_print = Print
receipt_qr = Your code as a QR code
receipt_signed = Signed receipt
receipt_failed = That did not arrive. Please press once more.
joined_title = You are remembered
joined_text = You can stop here at any time, with your face or with your code.
undone_title = You are not remembered
undone_text = Nothing was kept. You are welcome as a guest at any time.
undone_soon = Your sign-up will be deleted within a minute. You are welcome as a guest at any time.
undone_late = The time to confirm is over, so nothing was kept. You can join again at any time.
