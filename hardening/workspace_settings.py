"""`hardening.yml` of a workspace: the rules of the house. A missing file is the defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from hardening.errors import BadFiles
from hardening.yaml_lines import did_you_mean, read_yaml

FILE = "hardening.yml"


class Settings(BaseModel):
    """What a workspace demands. `source` names the file in sentences; it is not a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    require_approval: StrictBool = False
    approver_may_plan: StrictBool = True
    waiver_longest_days: StrictInt = Field(default=366, ge=1)
    waiver_needs_approver: StrictBool = False
    samples_kept_days: StrictInt = Field(default=35, ge=1)
    rollups_kept_days: StrictInt = Field(default=1100, ge=1)

    @property
    def source(self) -> str:
        """How sentences name the file."""
        return FILE


def load_settings(path: Path) -> Settings:
    """Read the settings of a workspace. Raises BadFiles with every problem at its line."""
    if not path.exists():
        return Settings()
    file = read_yaml(path)
    if file.problems:
        raise BadFiles(file.problems)
    value = {} if file.value is None else file.value
    if not isinstance(value, dict):
        file.complain(f"must be a mapping of settings ({', '.join(Settings.model_fields)})")
        raise BadFiles(file.problems)
    try:
        return Settings.model_validate(value)
    except ValidationError as problem:
        for error in problem.errors():
            name = str(error["loc"][0]) if error["loc"] else ""
            if error["type"] == "extra_forbidden":
                file.complain(f"{name} is not a setting{did_you_mean(name, Settings.model_fields)}", (name,))
            else:
                file.complain(f"{name}: {error['msg']}", (name,))
        raise BadFiles(file.problems) from None
