"""What all configuration models share: frozen, no unknown keys, and the part of them that decides results."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Config(BaseModel):
    """A frozen configuration model that refuses unknown keys.

    ``NOT_IN_FINGERPRINT`` names fields that say where things are, not what comes out: they are left out
    of fingerprints (a moved data set must not be recomputed).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    NOT_IN_FINGERPRINT: ClassVar[frozenset[str]] = frozenset()

    def result_fields(self) -> dict[str, Any]:
        """The configuration as JSON values, without the fields that do not change results."""
        values: dict[str, Any] = {}
        for name in type(self).model_fields:
            if name not in self.NOT_IN_FINGERPRINT:
                values[name] = _json(getattr(self, name))
        return values


def _json(value: Any) -> Any:
    if isinstance(value, Config):
        return value.result_fields()
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


ImageSide = Annotated[int, Field(ge=16, le=16384)]
"""Height or width of an image, px."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
"""May become part of a file name: letters, digits, '_', '.', '-'; starts with a letter or digit."""
