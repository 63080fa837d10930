"""Routes that another one of the same name always forestalls, and conditions that never hold."""

from kzrules.language.check_names import Names
from kzrules.language.reach_names import Reach


def forestalled(names: Names, reach: Reach) -> None:
    """Placeholder."""
