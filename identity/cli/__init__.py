"""The commands of the identity half."""

COMMANDS = {
    "models": "identity.cli.models:models",
    "identity": "identity.cli.commands:identity",
    "erasures": "identity.cli.erasures:erasures",
    "access": "identity.cli.access:access",
    "calibrate": "identity.cli.commands:calibrate",
    "notices": "identity.cli.notices:notices",
    "receipts": "identity.cli.receipts:receipts",
    "audit dpia": "identity.cli.policy:dpia",
    "keys rotate receipt": "identity.cli.receipts:rotate",
    "keys rotate vectors": "identity.cli.seal_keys:rotate",
    "keys rotate master": "identity.cli.commands:rotate",
    "evaluate faces": "identity.cli.evaluate:evaluate_faces",
}
"""Where each command is defined; imported when it is called."""
