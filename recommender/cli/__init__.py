"""The commands of the recommender."""

COMMANDS = {
    "import": "recommender.cli.commands:import_command",
    "export": "recommender.cli.commands:export_command",
    "train": "recommender.cli.commands:train",
    "versions": "recommender.cli.commands:versions",
    "rollback": "recommender.cli.commands:rollback",
    "evaluate orders": "recommender.cli.orders:evaluate_orders",
    "evaluate destinations": "recommender.cli.destinations:evaluate_destinations",
    "evaluate offers": "recommender.cli.offers:evaluate_offers",
    "batch orders": "recommender.cli.orders:batch_orders",
    "batch destinations": "recommender.cli.destinations:batch_destinations",
    "batch offers": "recommender.cli.offers:batch_offers",
}
"""Where each command is defined; imported when it is called."""
