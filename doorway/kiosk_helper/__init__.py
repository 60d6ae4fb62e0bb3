"""The helper on a kiosk's own computer, `usual edge kiosk`. No picture leaves the machine.

It serves the page to the browser beside it, looks at the camera's pictures with an engine pack, and sends vectors.
It is a device like any other that sends vectors. A store box (`doorway/edge`) is something else: a small house.
"""
