"""The engine of a kiosk's own browser: its runtime and networks are fetched, checked and made smaller here.

`screens/engine.py` serves what lies in the home afterwards; `screens/static/js/engine/` works with it.
"""
