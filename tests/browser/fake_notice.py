"""The notice of the fake server, in the three languages; its essentials are as long as those that are shipped."""

from __future__ import annotations

from typing import Any

from identity.config import PURPOSES
from tests import pseudo

CONTROLLER = "Lindenholm Cafes Ltd, Market Street 4, 10115 Lindenholm"
CONTACT = "privacy@lindenholm.example"

TEXTS = {
    "en": """\
May {controller} recognise your face in {place} when you press the button? The camera takes pictures only then.
They become a list of numbers, which is kept encrypted, and are thrown away. That is how we can suggest what
you like.

How long: until you stop it, or 12 months after your last visit. How to stop: press “Forget me”, or type in your
code, at any time and without a reason. Everything is erased at once. Responsible: {controller}.
Contact: {contact}.

## What for

You choose each of these on its own:

* **Orders.** Suggest what I usually order.
* **Offers.** Pick the offers that suit me.

## Without a face

A code and a PIN of your own give you the same suggestions. If you want neither, you get the same choice, the same
prices and the same public offers as everybody. [Policy](/policy) <b>not markup</b>
""",
    "de": """\
Darf {controller} Sie in {place} am Gesicht wiedererkennen, wenn Sie den Knopf drücken? Nur dann macht die Kamera
Bilder. Aus ihnen wird eine Reihe von Zahlen, die verschlüsselt gespeichert wird; die Bilder werden verworfen. So
können wir Ihnen vorschlagen, was Sie mögen.

Wie lange: bis Sie es beenden, oder 12 Monate nach Ihrem letzten Besuch. So beenden Sie es: „Mich vergessen“
drücken oder den Code eingeben, jederzeit und ohne Angabe von Gründen. Alles wird sofort gelöscht. Verantwortlich:
{controller}. Kontakt: {contact}.

## Wofür

Sie entscheiden über jeden Zweck einzeln:

* **Bestellungen.** Vorschlagen, was ich meistens bestelle.
* **Angebote.** Die Angebote auswählen, die zu mir passen.

## Ohne Gesicht

Mit einem Code und einer PIN erhalten Sie dieselben Vorschläge. Möchten Sie beides nicht, bekommen Sie dieselbe
Auswahl, dieselben Preise und dieselben öffentlichen Angebote wie alle.
""",
    "ja": """\
{controller}が、{place}でボタンを押されたお客さまのお顔を認識してもよろしいですか。カメラが撮影するのは、
ボタンを押されたときだけです。画像は数値の並びに変換した後に破棄し、数値は暗号化して保管します。

保管期間：停止されるまで、または最後のご利用から12か月。やめるには：「私を忘れる」を押すか、コードを
入力してください。いつでも可能で、理由は必要ありません。すべてすぐに消去されます。管理者：{controller}。
連絡先：{contact}。

## 利用目的

目的ごとにお選びいただけます。

* **ご注文。** いつもの注文を提案する。
* **特典。** 私に合う特典を選ぶ。

## 顔を使わない方法

コードと暗証番号で、同じ提案を受けられます。どちらも使わない場合も、価格と公開されている特典は同じです。
""",
}
PLACES = {
    "en": {"restaurant": "this restaurant", "taxi": "this taxi"},
    "de": {"restaurant": "diesem Restaurant", "taxi": "diesem Taxi"},
    "ja": {"restaurant": "このレストラン", "taxi": "このタクシー"},
}
VERSION = "2026-12"

POLICY = """<!doctype html><html lang="{language}"><head><title>Policy</title></head><body>
<header>Somewhere</header>
<main><h1>Policy ({language})</h1><h2>Bystanders</h2><p>To us a bystander is nothing: <b>no picture is kept</b>.
</p><script>document.title = "run"</script></main></body></html>"""


def notice(language: str, place: str, grade: str) -> dict[str, Any]:
    """The reply to `GET /identity/v1/notice`."""
    from_right = language == pseudo.LANGUAGE
    own = "en" if from_right else language
    text = TEXTS[own].format(controller=CONTROLLER, contact=CONTACT, place=PLACES[own][place])
    if from_right:
        text = "\n".join(map(pseudo.spell, text.split("\n")))
    return {
        "version": VERSION,
        "language": language,
        "languages": list(TEXTS),
        "sha256": "0" * 64,
        "text": text,
        "controller": CONTROLLER,
        "contact": CONTACT,
        "purposes": [{"name": name, "text": name} for name in PURPOSES],
        "retention_months": 12,
        "minimum_age": 16,
        "grade": grade,
    }
