"""Label sets: names of classes with their colours and aliases; reading the files is storage's business."""

from typing import Self

from pydantic import Field, model_validator

from schema.config_base import Config


class LabelSet(Config):
    """A closed list of classes.

    Class ids are positions in ``names``. ``aliases`` maps other spellings to names ("tvmonitor" -> "tv").
    """

    name: str = Field(description="name of the set")
    names: tuple[str, ...] = Field(min_length=1, description="class names in id order")
    colors: tuple[tuple[int, int, int], ...] = Field(description="RGB per class")
    source_ids: tuple[int, ...] | None = Field(
        None, description="ids in the data set's own files, e.g. NYU40"
    )
    prompts: dict[str, str] = Field(
        default_factory=dict, description="text of a class where not the template's"
    )
    void: tuple[str, ...] = Field((), description="classes never predicted and never counted")

    @model_validator(mode="after")
    def _same_lengths(self) -> Self:
        if len(self.colors) != len(self.names):
            raise ValueError(f"{len(self.names)} names but {len(self.colors)} colors")
        if len(set(self.names)) != len(self.names):
            raise ValueError("names repeat")
        return self

    def texts(self, template: str) -> list[str]:
        """The text that stands for each class: its own prompt, or the template with its name."""
        return [self.prompts.get(name, template.replace("{label}", name)) for name in self.names]

    @property
    def other_index(self) -> int | None:
        """The class that means "something else", if the set has one."""
        return next((i for i, name in enumerate(self.names) if name in ("other", "otherfurniture")), None)
