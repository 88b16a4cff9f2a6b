# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from os import PathLike
from types import TracebackType
from typing import Any, ClassVar, Literal, final

import numpy as np
import numpy.typing as npt

__version__: str

_Array = npt.NDArray[Any]
_Floats = npt.NDArray[np.float32]
_Bytes = npt.NDArray[np.uint8]
_Path = str | bytes | PathLike[str]
_Rate = Fraction | int
_Picture = Image | Frame | _Array | Sequence[_Array]

# ---- Errors, log, limits

class _Enum:
    __members__: ClassVar[dict[str, Any]]
    def __init__(self, value: int) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...

@final
class Code(_Enum):
    INVALID_ARGUMENT: ClassVar[Code]
    NOT_FOUND: ClassVar[Code]
    CORRUPT: ClassVar[Code]
    UNSUPPORTED: ClassVar[Code]
    LIMIT: ClassVar[Code]
    REFUSED: ClassVar[Code]
    NOT_CONVERGED: ClassVar[Code]
    IO: ClassVar[Code]
    OUT_OF_MEMORY: ClassVar[Code]
    CANCELLED: ClassVar[Code]
    INTERNAL: ClassVar[Code]

class Error(Exception):
    code: Code

@final
class LogLevel(_Enum):
    DEBUG: ClassVar[LogLevel]
    INFO: ClassVar[LogLevel]
    WARNING: ClassVar[LogLevel]
    ERROR: ClassVar[LogLevel]

def set_log_sink(sink: Callable[[LogLevel, str], object] | None) -> None: ...

class Limits:
    def __init__(
        self,
        *,
        max_pixels_per_frame: int = 67108864,
        max_side: int = 16384,
        max_frames: int = 2592000,
        max_streams: int = 32,
        max_track_points: int = 10000000,
        max_text_bytes: int = 67108864,
        max_json_depth: int = 64,
        max_frame_buffer_bytes: int = 4294967296,
    ) -> None: ...
    @property
    def max_pixels_per_frame(self) -> int: ...
    @property
    def max_side(self) -> int: ...
    @property
    def max_frames(self) -> int: ...
    @property
    def max_streams(self) -> int: ...
    @property
    def max_track_points(self) -> int: ...
    @property
    def max_text_bytes(self) -> int: ...
    @property
    def max_json_depth(self) -> int: ...
    @property
    def max_frame_buffer_bytes(self) -> int: ...

class Camera:
    def __init__(
        self, width: int, height: int, fx: float, fy: float, cx: float, cy: float
    ) -> None: ...
    @staticmethod
    def from_fov(
        width: int, height: int, xfov_deg: float | None = None, yfov_deg: float | None = None
    ) -> Camera: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fx(self) -> float: ...
    @property
    def fy(self) -> float: ...
    @property
    def cx(self) -> float: ...
    @property
    def cy(self) -> float: ...
    @property
    def xfov_deg(self) -> float: ...
    @property
    def yfov_deg(self) -> float: ...
    @property
    def matrix(self) -> npt.NDArray[np.float64]: ...
    def scaled(self, width: int, height: int) -> Camera: ...
    def project(self, point_in_cam: npt.ArrayLike) -> npt.NDArray[np.float64]: ...
    def unproject(self, pixel: npt.ArrayLike, z: float) -> npt.NDArray[np.float64]: ...

# ---- Pictures

@final
class ColorModel(_Enum):
    GRAY: ClassVar[ColorModel]
    YUV: ClassVar[ColorModel]
    RGB: ClassVar[ColorModel]

@final
class SampleType(_Enum):
    U8: ClassVar[SampleType]
    U16: ClassVar[SampleType]
    F32: ClassVar[SampleType]

class PixelFormat:
    @staticmethod
    def gray(bits: int = 8) -> PixelFormat: ...
    @staticmethod
    def gray_f32() -> PixelFormat: ...
    @staticmethod
    def rgb(bits: int = 8) -> PixelFormat: ...
    @staticmethod
    def rgb_f32() -> PixelFormat: ...
    @staticmethod
    def yuv(subsampling: int = 420, bits: int = 8) -> PixelFormat: ...
    @property
    def model(self) -> ColorModel: ...
    @property
    def type(self) -> SampleType: ...
    @property
    def bits(self) -> int: ...
    @property
    def chroma_shift_x(self) -> int: ...
    @property
    def chroma_shift_y(self) -> int: ...
    @property
    def num_planes(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class ColorInfo:
    matrix: int
    primaries: int
    transfer: int
    full_range: bool
    chroma_location: int
    def __init__(
        self,
        *,
        matrix: int = 2,
        primaries: int = 2,
        transfer: int = 2,
        full_range: bool = False,
        chroma_location: int = 0,
    ) -> None: ...

class Image:
    def __init__(self, format: PixelFormat, width: int, height: int) -> None: ...
    @staticmethod
    def from_planes(planes: Sequence[_Array], format: PixelFormat | None = None) -> Image: ...
    @staticmethod
    def from_array(array: _Array, format: PixelFormat | None = None) -> Image: ...
    @property
    def format(self) -> PixelFormat: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def planes(self) -> list[_Array]: ...
    def array(self) -> _Array: ...
    def rgb(self, color: ColorInfo = ..., bits: int | None = None) -> _Array: ...
    def convert(self, format: PixelFormat, color: ColorInfo = ...) -> Image: ...
    def copy(self) -> Image: ...

class Frame:
    @property
    def image(self) -> Image: ...
    @property
    def planes(self) -> list[_Array]: ...
    @property
    def format(self) -> PixelFormat: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def color(self) -> ColorInfo: ...
    @property
    def index(self) -> int: ...
    @property
    def pts(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def time(self) -> Fraction: ...
    def rgb(self, bits: int | None = None) -> _Array: ...

def resolve_color(color: ColorInfo, format: PixelFormat, height: int) -> ColorInfo: ...
def read_image_file(path: _Path, limits: Limits | None = None) -> Image: ...
def write_png(path: _Path, picture: _Picture) -> None: ...

# ---- Video

class VideoInfo:
    @property
    def path(self) -> str: ...
    @property
    def container(self) -> str: ...
    @property
    def codec(self) -> str: ...
    @property
    def lossless(self) -> bool: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def format(self) -> PixelFormat: ...
    @property
    def codec_format(self) -> str: ...
    @property
    def color(self) -> ColorInfo: ...
    @property
    def sample_aspect(self) -> Fraction: ...
    @property
    def rotation_deg(self) -> int: ...
    @property
    def mirrored(self) -> bool: ...
    @property
    def time_base(self) -> Fraction: ...
    @property
    def frame_rate(self) -> Fraction: ...
    @property
    def start_pts(self) -> int: ...
    @property
    def estimated_frames(self) -> int: ...
    @property
    def has_audio(self) -> bool: ...
    @property
    def tags(self) -> dict[str, str]: ...

class VideoReader:
    def __init__(
        self,
        path: _Path,
        *,
        format: PixelFormat | None = None,
        apply_rotation: bool = True,
        num_threads: int = 0,
        limits: Limits | None = None,
    ) -> None: ...
    @property
    def info(self) -> VideoInfo: ...
    def read(self) -> Frame | None: ...
    def close(self) -> None: ...
    def __iter__(self) -> Iterator[Frame]: ...
    def __next__(self) -> Frame: ...
    def __enter__(self) -> VideoReader: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

@final
class VideoCodec(_Enum):
    FFV1: ClassVar[VideoCodec]
    H264: ClassVar[VideoCodec]
    H264_RGB: ClassVar[VideoCodec]

@final
class StereoLayout(_Enum):
    NONE: ClassVar[StereoLayout]
    SIDE_BY_SIDE: ClassVar[StereoLayout]

class VideoWriter:
    def __init__(
        self,
        path: _Path,
        format: PixelFormat,
        width: int,
        height: int,
        *,
        codec: VideoCodec = ...,
        time_base: _Rate | None = None,
        frame_rate: _Rate = 0,
        sample_aspect: _Rate = 1,
        color: ColorInfo = ...,
        stereo: StereoLayout = ...,
        tags: dict[str, str] = ...,
        copy_streams_from: _Path = "",
        num_threads: int = 0,
        crf: int = 18,
        preset: str = "veryfast",
        overwrite: bool = True,
    ) -> None: ...
    def write(
        self, picture: _Picture, pts: int | None = None, duration: int | None = None
    ) -> None: ...
    def finish(self) -> None: ...
    def discard(self) -> None: ...
    @property
    def frames_written(self) -> int: ...
    def __enter__(self) -> VideoWriter: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

# ---- Depth

@final
class DepthEncoding(_Enum):
    RGB16: ClassVar[DepthEncoding]
    GRAY16: ClassVar[DepthEncoding]
    RGB24_LOG: ClassVar[DepthEncoding]
    GRAY16_LEGACY: ClassVar[DepthEncoding]
    GRAY8: ClassVar[DepthEncoding]

@final
class DepthRounding(_Enum):
    NEAREST: ClassVar[DepthRounding]
    TRUNCATE: ClassVar[DepthRounding]

def pack_depth(
    depth: _Array,
    *,
    encoding: DepthEncoding = ...,
    max_depth: float = 100.0,
    log_offset: float = 2.0,
    rounding: DepthRounding = ...,
    num_threads: int = 1,
) -> _Array: ...
def unpack_depth(
    encoded: _Picture,
    *,
    encoding: DepthEncoding = ...,
    max_depth: float = 100.0,
    log_offset: float = 2.0,
    num_threads: int = 1,
) -> _Floats: ...

@final
class DepthGeometry(_Enum):
    Z: ClassVar[DepthGeometry]
    RANGE: ClassVar[DepthGeometry]

class DepthTags:
    @property
    def kind(self) -> str | None: ...
    @property
    def encoding(self) -> DepthEncoding | None: ...
    @property
    def max_depth(self) -> float | None: ...
    @property
    def log_offset(self) -> float | None: ...
    @property
    def geometry(self) -> DepthGeometry | None: ...
    @property
    def xfov_deg(self) -> float | None: ...
    @property
    def yfov_deg(self) -> float | None: ...
    @property
    def k(self) -> list[float] | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def source_frames(self) -> int | None: ...
    @property
    def frame_rate(self) -> Fraction | None: ...
    @property
    def sample_aspect(self) -> Fraction | None: ...
    def camera_for(self, width: int, height: int) -> Camera | None: ...

class DepthFrame:
    @property
    def depth(self) -> _Floats: ...
    @property
    def index(self) -> int: ...
    @property
    def pts(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def time(self) -> Fraction: ...

class DepthVideoReader:
    def __init__(
        self,
        path: _Path,
        *,
        max_depth: float | None = None,
        encoding: DepthEncoding | None = None,
        allow_damaged: bool = False,
        allow_range: bool = False,
        num_threads: int = 0,
        limits: Limits | None = None,
    ) -> None: ...
    @property
    def info(self) -> VideoInfo: ...
    @property
    def tags(self) -> DepthTags: ...
    @property
    def encoding(self) -> DepthEncoding: ...
    @property
    def max_depth(self) -> float: ...
    def read(self) -> DepthFrame | None: ...
    def close(self) -> None: ...
    def __iter__(self) -> Iterator[DepthFrame]: ...
    def __next__(self) -> DepthFrame: ...
    def __enter__(self) -> DepthVideoReader: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class DepthVideoWriter:
    def __init__(
        self,
        path: _Path,
        width: int,
        height: int,
        *,
        encoding: DepthEncoding = ...,
        max_depth: float = 100.0,
        log_offset: float = 2.0,
        rounding: DepthRounding = ...,
        xfov_deg: float | None = None,
        yfov_deg: float | None = None,
        camera: Camera | None = None,
        source: str | None = None,
        source_frames: int | None = None,
        codec: VideoCodec = ...,
        time_base: _Rate | None = None,
        frame_rate: _Rate = 0,
        sample_aspect: _Rate = 1,
        tags: dict[str, str] = ...,
        copy_streams_from: _Path = "",
        num_threads: int = 0,
        overwrite: bool = True,
        write_sidecar: bool = False,
    ) -> None: ...
    def write(
        self, depth: _Array | DepthFrame, pts: int | None = None, duration: int | None = None
    ) -> None: ...
    def finish(self) -> None: ...
    def discard(self) -> None: ...
    @property
    def frames_written(self) -> int: ...
    def __enter__(self) -> DepthVideoWriter: ...
    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

class DepthMetrics:
    @property
    def pixels(self) -> int: ...
    @property
    def abs_rel(self) -> float: ...
    @property
    def rmse(self) -> float: ...
    @property
    def delta1(self) -> float: ...
    @property
    def scale(self) -> float: ...

class DepthMetricsAccumulator:
    def __init__(self) -> None: ...
    def add_for_scale(self, estimate: _Array, truth: _Array) -> None: ...
    def median_scale(self) -> float: ...
    def add(self, estimate: _Array, truth: _Array, scale: float = 1.0) -> None: ...
    def result(self) -> DepthMetrics: ...

# ---- Files

def read_fov_file(path: _Path, limits: Limits | None = None) -> list[float]: ...
def write_fov_file(path: _Path, xfov_deg: Sequence[float]) -> None: ...
def read_convergence_file(path: _Path, limits: Limits | None = None) -> list[float]: ...
def write_convergence_file(path: _Path, depth: Sequence[float]) -> None: ...
def read_transformations_file(
    path: _Path, limits: Limits | None = None
) -> npt.NDArray[np.float64]: ...
def write_transformations_file(path: _Path, world_from_cam: npt.ArrayLike) -> None: ...
def read_batch_list(path: _Path, limits: Limits | None = None) -> list[str]: ...

@final
class PlyScalar(_Enum):
    FLOAT: ClassVar[PlyScalar]
    DOUBLE: ClassVar[PlyScalar]

def write_ply(
    path: _Path,
    points: npt.ArrayLike,
    colors: npt.ArrayLike | None = None,
    triangles: npt.ArrayLike | None = None,
    scalar: PlyScalar = ...,
) -> None: ...
def write_obj(
    path: _Path,
    points: npt.ArrayLike,
    colors: npt.ArrayLike | None = None,
    triangles: npt.ArrayLike | None = None,
    significant_digits: int = 6,
) -> None: ...

# ---- Stereo

@final
class EdgeMode(_Enum):
    TEAR: ClassVar[EdgeMode]
    STRETCH: ClassVar[EdgeMode]

@final
class InfillMaskStyle(_Enum):
    DIRECTIONS: ClassVar[InfillMaskStyle]
    GREEN: ClassVar[InfillMaskStyle]

class Eye:
    @property
    def image(self) -> Image: ...
    @property
    def depth(self) -> _Floats | None: ...
    @property
    def mask(self) -> _Bytes | None: ...

class StereoFrame:
    @property
    def left(self) -> Eye: ...
    @property
    def right(self) -> Eye: ...

class StereoRenderer:
    def __init__(
        self,
        *,
        baseline: float = 0.063,
        edges: EdgeMode = ...,
        tear_disparity: float = 1.0,
        tear_depth: float = 0.02,
        rim: int = 2,
        color: ColorInfo = ...,
        num_threads: int = 0,
    ) -> None: ...
    def render(
        self,
        color: _Picture,
        depth: _Array,
        camera: Camera,
        convergence: float = 0.0,
        *,
        fill: bool = True,
        with_depth: bool = False,
        mask: InfillMaskStyle | None = None,
    ) -> StereoFrame: ...

def fill_holes(
    image: _Picture, mask: _Picture, *, rim: int = 2, num_threads: int = 1
) -> _Picture: ...
def smooth_convergence(
    distance: Sequence[float],
    frame_rate: _Rate,
    sigma_seconds: float = 0.5,
    starts: Sequence[int] = ...,
) -> list[float]: ...

# ---- Models

@final
class SizeMode(_Enum):
    COVER: ClassVar[SizeMode]
    FIT: ClassVar[SizeMode]
    MINIMAL: ClassVar[SizeMode]
    AREA: ClassVar[SizeMode]
    FIXED: ClassVar[SizeMode]
    NATIVE: ClassVar[SizeMode]

@final
class SizeRounding(_Enum):
    NEAREST_EVEN: ClassVar[SizeRounding]
    CEIL: ClassVar[SizeRounding]
    FLOOR: ClassVar[SizeRounding]

class SizeRule:
    def __init__(
        self,
        mode: SizeMode,
        target: tuple[int, int] = ...,
        *,
        multiple: int = 1,
        rounding: SizeRounding = ...,
        keep_aspect: bool = True,
        dynamic: bool = True,
        min: tuple[int, int] = ...,
        max: tuple[int, int] = ...,
        min_pixels: float = 1.0,
        max_pixels: float = 1099511627776.0,
        wide_above: float = 0.0,
        wide_as: float = 0.0,
    ) -> None: ...
    @property
    def mode(self) -> SizeMode: ...
    @property
    def target(self) -> tuple[int, int]: ...
    @property
    def multiple(self) -> int: ...
    @property
    def rounding(self) -> SizeRounding: ...
    @property
    def keep_aspect(self) -> bool: ...
    @property
    def dynamic(self) -> bool: ...
    @property
    def min(self) -> tuple[int, int]: ...
    @property
    def max(self) -> tuple[int, int]: ...
    @property
    def min_pixels(self) -> float: ...
    @property
    def max_pixels(self) -> float: ...
    @property
    def wide_above(self) -> float: ...
    @property
    def wide_as(self) -> float: ...
    def network_size(self, height: int, width: int) -> tuple[int, int]: ...

@final
class ModelPrecision(_Enum):
    FP32: ClassVar[ModelPrecision]
    FP16: ClassVar[ModelPrecision]
    BF16_CPU_ENCODER: ClassVar[ModelPrecision]

@final
class ModelProcessing(_Enum):
    AUTO: ClassVar[ModelProcessing]
    HOST: ClassVar[ModelProcessing]
    DEVICE: ClassVar[ModelProcessing]

class ModelCheckResult:
    @property
    def output(self) -> str: ...
    @property
    def mean(self) -> float: ...
    @property
    def expected_mean(self) -> float: ...
    @property
    def deviation(self) -> float: ...
    @property
    def expected_deviation(self) -> float: ...
    @property
    def tolerance(self) -> float: ...
    @property
    def passed(self) -> bool: ...

def add_backend_folder(folder: _Path) -> None: ...

class Model:
    def __init__(
        self,
        path: _Path,
        *,
        backend: str = "",
        device: str = 'cpu',
        num_threads: int = 0,
        precision: ModelPrecision = ...,
        deterministic: bool = False,
        channels_last: bool = False,
        profiling_executor: bool = False,
        optimize: bool = False,
        max_run_seconds: float | None = None,
        self_test: bool = False,
        allow_unlisted: bool = False,
        manifest: _Path = "",
        sha256: str = "",
        limits: Limits | None = None,
        processing: ModelProcessing = ...,
    ) -> None: ...
    @property
    def info(self) -> dict[str, Any]: ...
    @property
    def path(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def backend(self) -> str: ...
    @property
    def is_relative(self) -> bool: ...
    def run(self, inputs: Sequence[_Array]) -> list[_Floats]: ...
    def self_test(self) -> list[ModelCheckResult]: ...

def picture_to_tensor(
    picture: _Picture, rule: Model | SizeRule, resample: str = "", *, num_threads: int = 1
) -> _Floats: ...
def tensor_to_picture(
    tensor: _Array,
    height: int,
    width: int,
    rule: Model | SizeRule,
    resample: str = "",
    *,
    num_threads: int = 1,
) -> _Floats: ...

class DisparityCalibration:
    def __init__(self, scale: float, shift: float = 0.0) -> None: ...
    @property
    def scale(self) -> float: ...
    @property
    def shift(self) -> float: ...

class DisparityFitResult:
    @property
    def calibration(self) -> DisparityCalibration: ...
    @property
    def samples(self) -> int: ...
    @property
    def inlier_share(self) -> float: ...
    @property
    def r_squared(self) -> float: ...
    @property
    def by_median(self) -> bool: ...

class DisparityFit:
    def __init__(
        self,
        *,
        saturated_depth: float = 1000000000.0,
        max_step: float = 0.1,
        samples_per_frame: int = 20000,
    ) -> None: ...
    def add(self, disparity: _Array, reference: _Array) -> int: ...
    def solve(self) -> DisparityFitResult: ...

def calibrate_by_median(disparity: _Array, median_depth: float) -> DisparityCalibration: ...

# ---- Depth from motion and from models

@final
class MotionStatus(_Enum):
    MEASURED: ClassVar[MotionStatus]
    CARRIED: ClassVar[MotionStatus]
    NO_TRANSLATION: ClassVar[MotionStatus]
    LOST: ClassVar[MotionStatus]

class MotionFrameReport:
    @property
    def status(self) -> MotionStatus: ...
    @property
    def scene(self) -> int: ...
    @property
    def measured_share(self) -> float: ...
    @property
    def path_uncertainty(self) -> float: ...
    @property
    def world_from_cam(self) -> npt.NDArray[np.float64]: ...

class MotionReport:
    @property
    def frames(self) -> int: ...
    @property
    def measured(self) -> int: ...
    @property
    def carried(self) -> int: ...
    @property
    def no_translation(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def scenes(self) -> int: ...
    @property
    def path_uncertainty(self) -> float: ...
    @property
    def unsure(self) -> int: ...
    @property
    def translation_found(self) -> bool: ...

@final
class DepthQuantity(_Enum):
    METRIC_DEPTH: ClassVar[DepthQuantity]
    RELATIVE_DISPARITY: ClassVar[DepthQuantity]

class DepthEstimate:
    @property
    def depth(self) -> _Floats: ...
    @property
    def confidence(self) -> _Bytes | None: ...
    @property
    def index(self) -> int: ...
    @property
    def pts(self) -> int: ...
    @property
    def duration(self) -> int: ...
    @property
    def quantity(self) -> DepthQuantity: ...
    @property
    def starts_scene(self) -> bool: ...
    @property
    def report(self) -> MotionFrameReport | None: ...

class MotionDepthEstimator:
    def __init__(
        self,
        camera: Camera,
        *,
        xfovs_deg: Sequence[float] = ...,
        scene_scale: float = 3.0,
        working_side: int = 640,
        lookahead: int = 16,
        num_threads: int = 0,
    ) -> None: ...
    @property
    def latency(self) -> int: ...
    def push(
        self, picture: _Picture, pts: int | None = None, duration: int | None = None
    ) -> None: ...
    def finish(self) -> None: ...
    def pop(self) -> DepthEstimate | None: ...
    def report(self) -> MotionReport: ...
    def frame_reports(self) -> list[MotionFrameReport]: ...

class ModelDepth:
    def __init__(
        self,
        model: Model,
        camera: Camera,
        *,
        input_size: int = 0,
        batch: int = 1,
        side_by_side: int = 1,
        calibration: DisparityCalibration | None = None,
        median_depth: float | None = None,
        num_threads: int = 0,
    ) -> None: ...
    @property
    def is_metric(self) -> bool: ...
    @property
    def network_size(self) -> tuple[int, int]: ...
    @property
    def calibration(self) -> DisparityCalibration | None: ...
    @property
    def latency(self) -> int: ...
    def push(
        self, picture: _Picture, pts: int | None = None, duration: int | None = None
    ) -> None: ...
    def finish(self) -> None: ...
    def pop(self) -> DepthEstimate | None: ...

# ---- Whole jobs

class Progress:
    @property
    def phase(self) -> str: ...
    @property
    def frames_done(self) -> int: ...
    @property
    def frames_total(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def frames_per_second(self) -> float: ...

class CancelFlag:
    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

class Report:
    @property
    def frames(self) -> int: ...
    @property
    def output(self) -> str: ...
    @property
    def outputs(self) -> list[str]: ...
    @property
    def summary(self) -> str: ...
    def __getattr__(self, name: str) -> Any: ...

def tools() -> list[dict[str, Any]]: ...
def run_job(
    job: _Path | dict[str, Any],
    *,
    limits: Limits | None = None,
    progress: Callable[[Progress], object] | None = None,
    cancel: CancelFlag | None = None,
) -> Report: ...

# ---- The tools of the library follow, made by make_stubs.py
