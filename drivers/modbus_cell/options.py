"""The options of the kind `modbus-cell`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class CellOptions(BaseModel):
    """Options of the kind `modbus-cell`."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[int, Field(ge=1, le=247, description="Modbus unit identifier")] = 1
    serial_server: Annotated[
        bool,
        Field(
            description="tcp:// leads to a serial server before an RTU line: RTU frames, no MBAP"
        ),
    ] = False
    start: Annotated[
        Literal["command", "input"],
        Field(description="who fires: `fire`, or the cell's own input (pedal, part present)"),
    ] = "command"
    reply_timeout: Annotated[float, Field(gt=0, description="seconds for one reply")] = 1.0
    ready_timeout: Annotated[
        float, Field(gt=0, description="seconds for remote mode, shutter and job")
    ] = 20.0
    accept_timeout: Annotated[
        float, Field(gt=0, description="seconds for the cell to accept or refuse a trigger")
    ] = 2.0
    busy_timeout: Annotated[
        float, Field(gt=0, description="seconds that marking may still take when disarming")
    ] = 60.0
