"""RTK side files of drones: what they say about each exposure's position, and how well."""

from aerodag.rtk.marks import MAX_BYTES, MarkFile, read_marks
from aerodag.rtk.matching import Join, JoinedFile, Match, join
from aerodag.rtk.mrk import MrkRecord
from aerodag.rtk.position import CameraPosition, Solution, best_position, solution
from aerodag.rtk.shots import Shot
from aerodag.rtk.side_files import HEAD_BYTES, SideFile, describe_side_file
from aerodag.rtk.summary import RtkFigures, figures

__all__ = [
    "HEAD_BYTES",
    "MAX_BYTES",
    "CameraPosition",
    "Join",
    "JoinedFile",
    "MarkFile",
    "Match",
    "MrkRecord",
    "RtkFigures",
    "Shot",
    "SideFile",
    "Solution",
    "best_position",
    "describe_side_file",
    "figures",
    "join",
    "read_marks",
    "solution",
]
