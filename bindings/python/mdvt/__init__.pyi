# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from types import TracebackType
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

__version__: str
DEFAULT_XFOV_DEG: float

_Array = npt.NDArray[Any]
_Floats = npt.NDArray[np.float32]
_Bytes = npt.NDArray[np.uint8]
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
def read_image_file(path: str, limits: Limits | None = None) -> Image: ...
def write_png(path: str, picture: _Picture) -> None: ...

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
        path: str,
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
        path: str,
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
        copy_streams_from: str = "",
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
        path: str,
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
        path: str,
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
        copy_streams_from: str = "",
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

def read_fov_file(path: str, limits: Limits | None = None) -> list[float]: ...
def write_fov_file(path: str, xfov_deg: Sequence[float]) -> None: ...
def read_convergence_file(path: str, limits: Limits | None = None) -> list[float]: ...
def write_convergence_file(path: str, depth: Sequence[float]) -> None: ...
def read_transformations_file(
    path: str, limits: Limits | None = None
) -> npt.NDArray[np.float64]: ...
def write_transformations_file(path: str, world_from_cam: npt.ArrayLike) -> None: ...
def read_batch_list(path: str, limits: Limits | None = None) -> list[str]: ...

@final
class PlyScalar(_Enum):
    FLOAT: ClassVar[PlyScalar]
    DOUBLE: ClassVar[PlyScalar]

def write_ply(
    path: str,
    points: npt.ArrayLike,
    colors: npt.ArrayLike | None = None,
    triangles: npt.ArrayLike | None = None,
    scalar: PlyScalar = ...,
) -> None: ...
def write_obj(
    path: str,
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
    distance: Sequence[float], frame_rate: _Rate, sigma_seconds: float = 0.5
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

class Model:
    def __init__(
        self,
        path: str,
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
        manifest: str = "",
        sha256: str = "",
        limits: Limits | None = None,
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

class DepthJobReport:
    @property
    def frames(self) -> int: ...
    @property
    def output(self) -> str: ...
    @property
    def xfov_deg(self) -> float: ...
    @property
    def translation_found(self) -> bool: ...
    @property
    def measured_frames(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def model_license(self) -> str: ...
    @property
    def calibration(self) -> DisparityCalibration | None: ...
    @property
    def fit(self) -> DisparityFitResult | None: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

def run_depth_job(
    color_video: str,
    output: str = "",
    *,
    xfov_deg: float | None = None,
    yfov_deg: float | None = None,
    xfov_file: str = "",
    encoding: DepthEncoding = ...,
    max_depth: float = 100.0,
    scene_scale: float = 3.0,
    target_fps: float = -1.0,
    working_side: int = 640,
    transformation_output: str = "",
    model: Model | None = None,
    reference_depth: str = "",
    input_size: int = 0,
    batch: int = 1,
    limits: Limits | None = None,
    num_threads: int = 0,
    overwrite: bool = True,
    max_frames: int = -1,
    progress: Callable[[Progress], object] | None = None,
    cancel: CancelFlag | None = None,
) -> DepthJobReport: ...

@final
class HoleFill(_Enum):
    FILL: ClassVar[HoleFill]
    BLACK: ClassVar[HoleFill]

@final
class BaselineRule(_Enum):
    PLAIN: ClassVar[BaselineRule]
    MASTER: ClassVar[BaselineRule]
    ORTHO: ClassVar[BaselineRule]

class StereoJobReport:
    @property
    def frames(self) -> int: ...
    @property
    def output(self) -> str: ...
    @property
    def mask_output(self) -> str: ...
    @property
    def hole_share(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

def run_stereo_job(
    depth_video: str,
    color_video: str = "",
    output: str = "",
    *,
    xfov_deg: float | None = None,
    yfov_deg: float | None = None,
    xfov_file: str = "",
    max_depth: float | None = None,
    depth_encoding: DepthEncoding | None = None,
    baseline: float = 0.063,
    edges: EdgeMode = ...,
    tear_disparity: float = 1.0,
    tear_depth: float = 0.02,
    fill: HoleFill = ...,
    write_infill_mask: bool = False,
    mask_style: InfillMaskStyle = ...,
    compressed: bool = False,
    convergence_file: str = "",
    convergence: float | None = None,
    baseline_rule: BaselineRule = ...,
    master_xfov_deg: float = 45.0,
    baseline_scale: float = 1.0,
    swap_eyes: bool = False,
    limits: Limits | None = None,
    num_threads: int = 0,
    overwrite: bool = True,
    max_frames: int = -1,
    progress: Callable[[Progress], object] | None = None,
    cancel: CancelFlag | None = None,
) -> StereoJobReport: ...

class ExportJobReport:
    @property
    def frames(self) -> int: ...
    @property
    def grey_output(self) -> str: ...
    @property
    def files(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

def run_export_job(
    depth_video: str,
    color_video: str = "",
    output: str = "",
    *,
    grey_bits: int | None = None,
    ply_folder: str = "",
    obj_folder: str = "",
    xfov_deg: float | None = None,
    yfov_deg: float | None = None,
    xfov_file: str = "",
    max_depth: float | None = None,
    depth_encoding: DepthEncoding | None = None,
    transformation_file: str = "",
    transformation_lock_frame: int | None = None,
    remove_edges: bool = False,
    tear_disparity: float = 1.0,
    tear_depth: float = 0.02,
    tear_baseline: float = 0.063,
    min_frames: int = -1,
    limits: Limits | None = None,
    num_threads: int = 0,
    overwrite: bool = True,
    max_frames: int = -1,
    progress: Callable[[Progress], object] | None = None,
    cancel: CancelFlag | None = None,
) -> ExportJobReport: ...

@final
class NormMode(_Enum):
    MIN_MAX: ClassVar[NormMode]
    PERCENTILE: ClassVar[NormMode]
    EMA: ClassVar[NormMode]
    FIXED: ClassVar[NormMode]
    METRIC: ClassVar[NormMode]

@final
class SceneCuts(_Enum):
    AUTO: ClassVar[SceneCuts]
    FILE: ClassVar[SceneCuts]
    OFF: ClassVar[SceneCuts]

@final
class ScreenPlane(_Enum):
    NEAR: ClassVar[ScreenPlane]
    FAR: ClassVar[ScreenPlane]
    VALUE: ClassVar[ScreenPlane]
    AUTO: ClassVar[ScreenPlane]

@final
class WarpKind(_Enum):
    FORWARD: ClassVar[WarpKind]
    BACKWARD: ClassVar[WarpKind]

@final
class StereoPacking(_Enum):
    SIDE_BY_SIDE: ClassVar[StereoPacking]
    HALF_SIDE_BY_SIDE: ClassVar[StereoPacking]
    TOP_BOTTOM: ClassVar[StereoPacking]
    HALF_TOP_BOTTOM: ClassVar[StereoPacking]

@final
class CanvasFit(_Enum):
    CONTAIN: ClassVar[CanvasFit]
    COVER: ClassVar[CanvasFit]
    NONE: ClassVar[CanvasFit]

@final
class ResizeFilter(_Enum):
    NEAREST: ClassVar[ResizeFilter]
    BILINEAR: ClassVar[ResizeFilter]
    BICUBIC: ClassVar[ResizeFilter]
    LANCZOS: ClassVar[ResizeFilter]

class MonoToSbsReport:
    @property
    def frames(self) -> int: ...
    @property
    def output(self) -> str: ...
    @property
    def scenes(self) -> int: ...
    @property
    def hole_share(self) -> float: ...
    @property
    def mean_shift(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

def run_mono_to_sbs_job(
    input: str,
    output: str = "",
    *,
    model: Model | None = None,
    input_size: int = 0,
    batch: int = 1,
    xfov_deg: float = 60.0,
    scene_scale: float = 3.0,
    working_side: int = 640,
    norm_mode: NormMode = ...,
    norm_p_lo: float = 1.0,
    norm_p_hi: float = 99.0,
    norm_beta: float = 0.9,
    norm_lookahead: int = 0,
    norm_fixed: tuple[float, float] | None = None,
    norm_metric_near: float = 1.0,
    smoothing_alpha: float = 0.9,
    smoothing_tau_seconds: float = 0.0,
    smoothing_motion_adaptive: bool = True,
    smoothing_still: float = 2.0,
    smoothing_moving: float = 8.0,
    cuts: SceneCuts = ...,
    scene_file: str = "",
    max_shift: float | None = None,
    shift_dynamic: bool = True,
    shift_min_gain: float = 0.4,
    shift_smoothing: float = 0.95,
    shift_steep_free: float = 0.02,
    shift_steep_full: float = 0.1,
    shift_max_behind: float = 0.03333333333333333,
    shift_max_in_front: float = 0.02,
    convergence_plane: ScreenPlane = ...,
    convergence_value: float = 0.5,
    convergence_smoothing: float = 0.95,
    warp: WarpKind = ...,
    swap_eyes: bool = False,
    packing: StereoPacking = ...,
    fit: CanvasFit = ...,
    frame_size: tuple[int, int] | None = None,
    eye_size: tuple[int, int] | None = None,
    picture_size: tuple[int, int] | None = None,
    filter: ResizeFilter = ...,
    fps: float = 0.0,
    preview_interval: float | None = None,
    preview_every: int | None = None,
    contact_sheet: str = "",
    audio: bool = True,
    crf: int = 18,
    preset: str = "fast",
    limits: Limits | None = None,
    num_threads: int = 0,
    overwrite: bool = True,
    max_frames: int = -1,
    progress: Callable[[Progress], object] | None = None,
    cancel: CancelFlag | None = None,
) -> MonoToSbsReport: ...
