"""The kinds of EHR that are tried."""

from dataclasses import dataclass

from tests.alerts.ehr import KINDS as BOTH
from tests.alerts.ehr import RESULTS


@dataclass(frozen=True)
class Kind:
    """What it offers; whether it obeys If-None-Exist; whether it finds by identifier."""

    name: str
    says: str
    offers: tuple[str, ...] = BOTH
    conditional: bool = True
    searchable: bool = True

    @property
    def exact(self) -> bool:
        """Whether a message can be known to be there already."""
        return self.conditional or self.searchable

    @property
    def way(self) -> str:
        """How messages go to it."""
        return self.offers[0] if self.offers else "folder"


KINDS = (
    Kind(
        "full",
        "takes CommunicationRequest and results, obeys If-None-Exist, is searched",
        offers=(*BOTH, *RESULTS),
    ),
    Kind("communication", "offers only Communication", offers=("Communication",)),
    Kind("neither", "offers neither: a folder of files", offers=()),
    Kind("careless", "ignores If-None-Exist, is searched", conditional=False),
    Kind("closed", "obeys If-None-Exist, cannot be searched", searchable=False),
    Kind("blind", "ignores both", conditional=False, searchable=False),
)
