### Opting out.

optout_title = Shall we forget you?
optout_lead = Everything goes at once: the pattern of your face, your orders, your rides.
optout_face = With my face
optout_face_sub = One look into the camera
optout_code = With my code
optout_code_sub = From the day you joined
optout_code_label = Your code
optout_code_unknown = This code is not known. Please check it.
optout_code_missing = Please type in your code.
optout_erase = Erase one
optout_now = Forget me now
forgotten_title = You are forgotten
forgotten_text = Nothing about you is kept here any more. You are welcome as a guest at any time.
forgotten_none_title = We found nothing that is surely yours
forgotten_none_text = That does not mean that nothing is held. If you have a code, it works without a face.
paused_title = You are paused
paused_text = From now on nobody is recognised here by this face. To end it for good, please tell a member of staff this reference:
paused_staff = For staff: usual identity held { $reference }
