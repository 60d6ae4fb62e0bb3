### Code and PIN.

pin_choose = Choose a PIN
pin_choose_text = Four digits that only you know. Places are shown only with it.
pin_optional_text = A PIN is optional: four digits that only you know. With it your code works in place of your face.
pin_code_text = Four digits that only you know. With your code they open your suggestions, without a face.
pin_places_only = You chose taxi destinations alone, and they open only with a PIN. Please choose a PIN, or go back and choose something else.
pin_repeat = The same PIN again
pin_differs = Those were two different PINs. Once more, please.
pin_skip = Without a PIN
pin_keep = Leave my PIN as it is
pin_keep_text = Your PIN from before stays, if you had one. You can also choose a new one: four digits that only you know.
pin_enter = Your PIN, please
pin_enter_text = A face alone shows no places.
pin_enter_kiosk = By your face alone we are not sure. Your PIN makes sure.
pin_forget_text = The PIN you chose when you joined. It makes sure that nobody else ends this for you.
pin_forget_other = I do not know the PIN
pin_by_code_text = It belongs to your code.
pin_use = With my PIN
pin_wrong = That is not the PIN. Please try again.
pin_by_code_wrong = The code or the PIN is not right. Please try again.
pin_locked = Too many tries. Please go on without your places for now.
pin_by_code_locked = Too many tries. Please go on as a guest for now.
pin_guest = Go on without it
pin_erase = Erase the last digit
pin_entered = { $count ->
    [one] 1 of 4 digits entered
   *[other] { $count } of 4 digits entered
}
code_title = With your code
code_text = Type it in, or hold its QR code to the reader. The camera stays off.
code_next = Next
code_none = I have no code yet
code_change = Change the code
code_group = Please check group { $group }: something in it is mistyped.
code_incomplete = That is not the whole code. It has four groups of five.
