"""What the operator and the privacy officer ask: is recognition well, are the promises to customers kept?"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Its words are below it."""
