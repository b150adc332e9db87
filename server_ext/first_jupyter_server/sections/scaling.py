"""What the federation file says of how many replicas there are, when, and what they may cost."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from first_jupyter_server.federation import schedule

from .strict import Strict

__all__ = ["BudgetSection", "ScaledModel"]


class BudgetSection(Strict):
    """What may be used."""

    nodes: int | None = Field(None, gt=0, description="Nodes at once, those that are waited for included.")
    node_hours_per_day: float | None = Field(
        None, gt=0, description="Node-hours a day, from midnight to midnight by the server's clock."
    )


class ScaledModel(Strict):
    """How many replicas of a model there are; one, from the first request on, where nothing is said."""

    min_warm: int | None = Field(
        None, ge=0, description="Replicas that are kept warm, used or not; 1 where there is a schedule."
    )
    max: int | None = Field(None, gt=0, description="Replicas at the most, as many as the load asks for.")
    schedule: str | list[str] | None = Field(
        None,
        description="When min_warm holds: days, hours and, if not the server's, a time zone, such as "
        "weekdays 09:00-18:00 Europe/Berlin; always, where not given.",
    )

    @field_validator("schedule")
    @classmethod
    def _has_meaning(cls, given: str | list[str] | None) -> str | list[str] | None:
        if given is not None:
            schedule.parse(given)
        return given

    @model_validator(mode="after")
    def _fits(self) -> ScaledModel:
        if self.max is not None and (self.min_warm or 0) > self.max:
            raise ValueError(f"min_warm is {self.min_warm} and max {self.max}; give min_warm at most max")
        return self

    @property
    def is_scaled(self) -> bool:
        """Whether anything is said of it."""
        return not (self.min_warm is None and self.max is None and self.schedule is None)
