"""A sweep, computed beforehand, that a slider in the report replays."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from samestep.schema import Model, Number

__all__ = ["AxisModel", "CurveModel", "FrameModel", "PanelModel", "ReplayModel"]


class CurveModel(Model):
    """A line through points; it ends where a number is no longer finite."""

    label: str = Field(description="whose curve")
    x: list[Number] = Field(description="a number for each point")
    y: list[Number] = Field(description="as many")

    @model_validator(mode="after")
    def _lengths_fit(self) -> CurveModel:
        if len(self.x) != len(self.y):
            raise ValueError(f"curve {self.label}: {len(self.x)} and {len(self.y)} numbers")
        return self


class AxisModel(Model):
    """An axis of a panel; what lies beyond its ends is cut off."""

    title: str = Field(description="what is drawn, with its unit")
    low: Number = Field(description="left or lower end")
    high: Number = Field(description="right or upper end")
    log: bool = Field(default=False, description="logarithmic; then the low end is positive")

    @model_validator(mode="after")
    def _ends_fit(self) -> AxisModel:
        if not 0 < self.high - self.low < math.inf or (self.log and self.low <= 0):
            raise ValueError(f"an axis cannot go from {self.low} to {self.high}")
        return self


class PanelModel(Model):
    """One of the pictures of a replay: its axes, and what stays while the rest changes."""

    x: AxisModel
    y: AxisModel
    background: list[CurveModel] = Field(default=[], description="stays in every frame")


class FrameModel(Model):
    """One position of a replay's slider."""

    label: str = Field(description="value of what the slider changes")
    outcome: str = Field(description="what happens there, in a few words")
    curves: list[list[CurveModel]] = Field(description="of each panel")


class ReplayModel(Model):
    """A sweep, computed beforehand, that a slider replays."""

    name: str = Field(description="unique in its exercise")
    caption: str = Field(description="what one sees, and what it means")
    control: str = Field(description="what the slider changes")
    panels: list[PanelModel]
    frames: list[FrameModel] = Field(min_length=1)

    @model_validator(mode="after")
    def _frames_fit(self) -> ReplayModel:
        for frame in self.frames:
            if len(frame.curves) != len(self.panels):
                raise ValueError(f"frame {frame.label}: curves for {len(frame.curves)} panels")
        return self
