/* SPDX-License-Identifier: Apache-2.0
 *
 * mdvt: metric depth and stereo video from any video. The C interface, C99, complete in this file.
 *
 * Status      Every function that can fail returns MDVT_OK, a status > 0 that tells what kind of
 *             failure it was (mdvt_last_error() has the text), or MDVT_END < 0, which is none.
 *             Nothing is thrown across the interface and no input ends the process.
 * Handles     Opaque; made by *_open, *_create and *_new (NULL after a failure), ended by *_close,
 *             *_destroy and *_free (NULL is fine). One thread at a time may use a handle, different
 *             handles may be used side by side; exceptions to this are stated.
 * Structs     Those that begin with struct_size may grow at their end in later versions. Fill one
 *             in with its *_init function, then set what differs:
 *                 mdvt_video_writer_options options;
 *                 mdvt_video_writer_options_init(&options);
 *                 options.crf = 20;
 *             A program that was built against an older, shorter struct gets the defaults for what
 *             it does not know; one that is longer than the library knows is accepted while the
 *             bytes behind are zero. Where a pointer to options may be NULL, NULL is the defaults.
 *             The other structs never change. Enumerations start at 1; flags are 0 or 1.
 * Pixels      Planar, origin top left, in memory of the caller, strides in bytes. Nothing is read
 *             or written past the last sample of a row.
 * Depth       Planar z in metres, float; 0 means no data. NaN and negative values count as 0.
 * Cameras     x right, y down, z forward. The centre of pixel (i, j) lies at (i + 0.5, j + 0.5).
 * Text        UTF-8. Strings that the library returns belong to the handle they came from.
 */
#ifndef MDVT_H_
#define MDVT_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define MDVT_API
#elif defined(__GNUC__)
#define MDVT_API __attribute__((visibility("default")))
#else
#define MDVT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions, errors, log ---------------------------------------------------------------- */

/* The promise that this header makes. It is also the number in the name of the shared library; it
 * grows by one when an older program could break, not when something is added. */
#define MDVT_ABI_VERSION 1
MDVT_API int32_t mdvt_abi_version(void); /* of the library that is loaded */
MDVT_API const char* mdvt_version(void); /* "0.1.0", of the library */

typedef int32_t mdvt_status;
enum {
  MDVT_END = -1, /* no failure: nothing more to read, nothing ready yet, or no value */
  MDVT_OK = 0,
  MDVT_INVALID_ARGUMENT = 1, /* a value outside the range that its documentation names */
  MDVT_NOT_FOUND = 2,        /* a file, stream or entry that is not there */
  MDVT_CORRUPT = 3,          /* the input contradicts itself or its format */
  MDVT_UNSUPPORTED = 4,      /* valid, but nothing that this build can do */
  MDVT_LIMIT = 5,            /* larger than mdvt_limits allows */
  MDVT_REFUSED = 6,          /* what was asked cannot be known from this input */
  MDVT_NOT_CONVERGED = 7,    /* an estimate that did not settle */
  MDVT_IO = 8,               /* the operating system refused a read or a write */
  MDVT_OUT_OF_MEMORY = 9,
  MDVT_CANCELLED = 10,
  MDVT_INTERNAL = 11 /* a bug of mdvt, never caused by input alone */
};

/* What the last failed call on this thread has to say: what, where, and what would be valid. Never
 * NULL; "" before the first failure. Valid until the next failure on this thread. */
MDVT_API const char* mdvt_last_error(void);

enum { MDVT_LOG_DEBUG = 1, MDVT_LOG_INFO = 2, MDVT_LOG_WARNING = 3, MDVT_LOG_ERROR = 4 };
/* Called from any thread, one call at a time. Must not call functions of mdvt. */
typedef void (*mdvt_log_fn)(void* user, int32_t level, const char* text);
/* For the whole process. NULL restores the default: warnings and errors go to stderr. When this
 * returns, the sink before is no longer in use. */
MDVT_API mdvt_status mdvt_set_log_sink(mdvt_log_fn sink, void* user);

/* Fills in the defaults of an options struct, or makes an empty one of those that are filled in by
 * the library; struct_size is sizeof the struct. The inline functions behind each struct below
 * call it and are what a program uses; languages that have only the symbols call this one. */
MDVT_API mdvt_status mdvt_struct_init(int32_t struct_id, void* value, uint32_t struct_size);
enum {
  MDVT_STRUCT_LIMITS = 1,
  MDVT_STRUCT_FRAME = 2,
  MDVT_STRUCT_VIDEO_INFO = 3,
  MDVT_STRUCT_VIDEO_READER_OPTIONS = 4,
  MDVT_STRUCT_DEPTH_READER_OPTIONS = 5,
  MDVT_STRUCT_VIDEO_WRITER_OPTIONS = 6,
  MDVT_STRUCT_DEPTH_WRITER_OPTIONS = 7,
  MDVT_STRUCT_DEPTH_CODEC = 8,
  MDVT_STRUCT_STEREO_OPTIONS = 9,
  MDVT_STRUCT_FILL_OPTIONS = 10,
  MDVT_STRUCT_RENDERER_OPTIONS = 11,
  MDVT_STRUCT_EYE = 12,
  MDVT_STRUCT_MOTION_OPTIONS = 13,
  MDVT_STRUCT_MODEL_OPTIONS = 14,
  MDVT_STRUCT_MODEL_INFO = 15,
  MDVT_STRUCT_MODEL_DEPTH_OPTIONS = 16,
  MDVT_STRUCT_TOOL_INFO = 17,
  MDVT_STRUCT_OPTION_INFO = 18,
  MDVT_STRUCT_REPORT_FIELD_INFO = 19
};

/* What a reader may cost. 0 means zero, not unlimited; negative values are invalid. */
typedef struct mdvt_limits {
  uint32_t struct_size;
  int32_t max_side;               /* pixels; 16384 */
  int64_t max_pixels_per_frame;   /* 8192 x 8192 */
  int64_t max_frames;             /* 2592000: 12 hours at 60 frames a second */
  int64_t max_track_points;       /* in one tracking file; 10000000 */
  int64_t max_text_bytes;         /* in one JSON file or list; 64 MiB */
  int64_t max_frame_buffer_bytes; /* held at once by one job; 4 GiB */
  int32_t max_streams;            /* in one container; 32 */
  int32_t max_json_depth;         /* 64 */
} mdvt_limits;

/* ---- Pictures ----------------------------------------------------------------------------- */

enum {
  MDVT_MODEL_GRAY = 1, /* one plane: luma, a mask, a depth code, or depth in metres */
  MDVT_MODEL_YUV = 2,  /* planes Y, Cb, Cr; chroma may be smaller */
  MDVT_MODEL_RGB = 3   /* planes R, G, B */
};
enum { MDVT_SAMPLE_U8 = 1, MDVT_SAMPLE_U16 = 2, MDVT_SAMPLE_F32 = 3 };

/* For example yuv420p10 is {MDVT_MODEL_YUV, MDVT_SAMPLE_U16, 10, 1, 1, {0, 0, 0}}, depth in metres
 * {MDVT_MODEL_GRAY, MDVT_SAMPLE_F32, 32, 0, 0, {0, 0, 0}}. */
typedef struct mdvt_pixel_format {
  uint8_t model;
  uint8_t sample_type;
  uint8_t bits;           /* significant low bits: 8 of U8, 9 to 16 of U16, 32 of F32 */
  uint8_t chroma_shift_x; /* YUV: a chroma plane is ceil(width / 2^shift) wide; 0 to 2, else 0 */
  uint8_t chroma_shift_y; /* the same for its height */
  uint8_t reserved[3];    /* 0 */
} mdvt_pixel_format;

typedef struct mdvt_image {
  mdvt_pixel_format format;
  int32_t width; /* pixels, 1 to 2^20 */
  int32_t height;
  void* data[4];     /* top left sample of each plane; samples are aligned to their size */
  int64_t stride[4]; /* bytes from one row to the next, at least one row of samples */
} mdvt_image;

typedef struct mdvt_rational {
  int64_t num;
  int64_t den;
} mdvt_rational;

/* Code points of ITU-T H.273, 2 is unspecified, as in FFmpeg and in video streams. */
typedef struct mdvt_color {
  int32_t matrix;
  int32_t primaries;
  int32_t transfer;
  int32_t full_range;
  int32_t chroma_location; /* 0 unspecified, 1 left, 2 centre, 3 top left, ... */
  int32_t reserved;        /* 0 */
} mdvt_color;

/* Pinhole intrinsics in pixels. From fields of view: fx = width / (2 tan(xfov / 2)), fy likewise
 * (square pixels: fy = fx), cx = width / 2, cy = height / 2. */
typedef struct mdvt_camera {
  int32_t width;
  int32_t height;
  double fx;
  double fy;
  double cx;
  double cy;
} mdvt_camera;

enum {
  MDVT_QUANTITY_DEPTH = 1,    /* metres, 0 = no data */
  MDVT_QUANTITY_DISPARITY = 2 /* larger is nearer, scale and zero not known; NaN = no data */
};

typedef struct mdvt_frame {
  uint32_t struct_size;
  int32_t reserved;
  mdvt_image image;
  int64_t index;    /* 0-based, counted; writers do not use it */
  int64_t pts;      /* presentation time in units of the stream's time base */
  int64_t duration; /* in the same units; 0 if not known */
  /* What a stage adds to the depth it gives; zeros elsewhere. */
  mdvt_image confidence;     /* GRAY 8 bits: 0 a guess ... 255 measured; data[0] NULL: none */
  int32_t motion;            /* MDVT_MOTION_*; 0 elsewhere */
  int32_t scene;             /* counts the cuts before this frame */
  double measured_share;     /* of the pixels whose depth was measured, 0 to 1 */
  double world_from_cam[16]; /* camera-to-world, row-major 4 x 4, metres; scenes start at 1 */
  int32_t quantity;          /* MDVT_QUANTITY_* of what a stage gives; 0 elsewhere */
  int32_t starts_scene;      /* 1: the stage's scale starts anew; nothing before compares with it */
} mdvt_frame;

/* Converts between integer formats by the matrix and range that `color` states (NULL or where it
 * says nothing: BT.709 from 720 rows on, else BT.601; limited range for YUV, full for RGB). Gray is
 * full-range luma. `to` has the size of `from`; its pixels are written.
 * Fails: MDVT_INVALID_ARGUMENT, MDVT_UNSUPPORTED for a pair without a rule (float formats). */
MDVT_API mdvt_status mdvt_image_convert(const mdvt_image* from, const mdvt_color* color,
                                        const mdvt_image* to);

/* ---- Reading ------------------------------------------------------------------------------ */

/* A file that gives frames: of a video in its own pixel format, of a depth video in metres. */
typedef struct mdvt_reader mdvt_reader;

typedef struct mdvt_video_reader_options {
  uint32_t struct_size;
  int32_t num_threads;       /* of the decoder; 0: one per core, the default */
  const mdvt_limits* limits; /* NULL: defaults */
  int32_t apply_rotation;    /* 1: turn frames upright; the default */
  int32_t reserved;
  mdvt_pixel_format format; /* convert to this; all zero: as in the file, the default */
} mdvt_video_reader_options;

/* Matroska, WebM, MP4, MOV, AVI and MPEG transport stream files. Fails: MDVT_NOT_FOUND (file or
 * picture stream), MDVT_CORRUPT (no video), MDVT_UNSUPPORTED (container, codec or format),
 * MDVT_LIMIT, MDVT_IO. */
MDVT_API mdvt_status mdvt_video_reader_open(const char* path,
                                            const mdvt_video_reader_options* options,
                                            mdvt_reader** reader);

enum {
  MDVT_DEPTH_RGB16 = 1,         /* "rgb16-linear-255p4": RGB 8 bits, R = G = high, B = low byte */
  MDVT_DEPTH_GRAY16 = 2,        /* "gray16-linear-65535" */
  MDVT_DEPTH_RGB24_LOG = 3,     /* "rgb24-log": RGB 8 bits, logarithmic code of 24 bits */
  MDVT_DEPTH_GRAY16_LEGACY = 4, /* "gray16-linear-65025" */
  MDVT_DEPTH_GRAY8 = 5          /* "gray8-linear-255": for looking at */
};

typedef struct mdvt_depth_reader_options {
  uint32_t struct_size;
  int32_t encoding; /* MDVT_DEPTH_*; 0: what the file says (else RGB16, with a warning) */
  double max_depth; /* metres, [1e-6, 1e6]; 0: what the file says (else 100, with a warning) */
  const mdvt_limits* limits;
  int32_t num_threads;   /* of decoder and unpacking; 0: one per core, the default */
  int32_t allow_damaged; /* 1: read files whose pixels lossy coding has changed; 0 */
  int32_t allow_range;   /* 1: read files of distances along the ray; 0: refuse them */
  int32_t reserved;
} mdvt_depth_reader_options;

/* Frames are GRAY F32 in metres. Fails as mdvt_video_reader_open, and MDVT_REFUSED for what is no
 * depth video (lossy codec, YUV samples, R != G), telling what to do. */
MDVT_API mdvt_status mdvt_depth_reader_open(const char* path,
                                            const mdvt_depth_reader_options* options,
                                            mdvt_reader** reader);

typedef struct mdvt_tag {
  const char* key; /* upper case */
  const char* value;
} mdvt_tag;

/* Pointers are valid until the reader is closed. */
typedef struct mdvt_video_info {
  uint32_t struct_size;
  int32_t width; /* upright pixels */
  int32_t height;
  int32_t rotation_deg;     /* clockwise turn that has been applied: 0, 90, 180, 270 */
  mdvt_pixel_format format; /* of the frames */
  mdvt_color color;
  mdvt_rational sample_aspect; /* 1/1 if the file does not say */
  mdvt_rational time_base;     /* seconds in a unit of pts */
  mdvt_rational frame_rate;    /* average; 0/1 if the file does not say */
  int64_t start_pts;           /* of the first frame */
  int64_t estimated_frames;    /* for progress only; 0 if not known */
  const char* container;       /* FFmpeg's names: "matroska,webm", "ffv1", "yuv420p" */
  const char* codec;
  const char* codec_format;
  const mdvt_tag* tags;
  int32_t num_tags;
  int32_t lossless; /* the codec as used here keeps every bit */
  int32_t has_audio;
  int32_t mirrored;       /* the picture was mirrored left-right before it was turned */
  int32_t depth_encoding; /* of a depth video as it is read, else 0 */
  int32_t reserved;
  double depth_max;        /* metres; 0 for other videos */
  double depth_log_offset; /* metres, of rgb24-log */
  double xfov_deg;         /* as a depth video's tags say, else 0 */
  double yfov_deg;
} mdvt_video_info;

MDVT_API mdvt_status mdvt_reader_info(const mdvt_reader* reader, mdvt_video_info* info);

/* The next frame in order of presentation; MDVT_END behind the last. Its pixels are the reader's:
 * not to be written to, and valid until the next mdvt_reader_read or mdvt_reader_close. Fails:
 * MDVT_CORRUPT (damaged or cut off, the text names the frame), MDVT_LIMIT, MDVT_IO. */
MDVT_API mdvt_status mdvt_reader_read(mdvt_reader* reader, mdvt_frame* frame);
MDVT_API void mdvt_reader_close(mdvt_reader* reader);

/* ---- Writing ------------------------------------------------------------------------------ */

/* A file that appears under its name only when it is whole. */
typedef struct mdvt_writer mdvt_writer;

enum {
  MDVT_CODEC_FFV1 = 1,    /* lossless, .mkv; every integer format */
  MDVT_CODEC_H264 = 2,    /* .mp4, .mov, .mkv; YUV, 8 and 10 bits */
  MDVT_CODEC_H264_RGB = 3 /* lossless RGB 8 bits: larger than FFV1, faster to write */
};
enum { MDVT_STEREO_NONE = 1, MDVT_STEREO_SIDE_BY_SIDE = 2 /* left half: left eye */ };

typedef struct mdvt_video_writer_options {
  uint32_t struct_size;
  int32_t codec;               /* MDVT_CODEC_FFV1 */
  mdvt_rational time_base;     /* of the pts given; 1/1000 */
  mdvt_rational frame_rate;    /* stated in the file when positive; 0/1 */
  mdvt_rational sample_aspect; /* 1/1 */
  mdvt_color color;            /* unspecified */
  int32_t stereo;              /* MDVT_STEREO_NONE */
  int32_t num_tags;            /* 0 */
  const mdvt_tag* tags;
  const char* copy_streams_from; /* copy audio, subtitles, chapters of this file; NULL: none */
  const char* preset;            /* of H264: x264's presets; NULL: "veryfast" */
  int32_t crf;                   /* of H264: quality, 0 (lossless) to 51; 18 */
  int32_t num_threads;           /* of the encoder; 0: one per core */
  int32_t overwrite;             /* 0: MDVT_IO if the file exists; 1 */
  int32_t reserved;
} mdvt_video_writer_options;

/* Fails: MDVT_INVALID_ARGUMENT (format and codec do not go together, unknown file ending), MDVT_IO
 * (folder missing or not writable), MDVT_UNSUPPORTED (encoder not in this FFmpeg). */
MDVT_API mdvt_status mdvt_video_writer_open(const char* path, const mdvt_pixel_format* format,
                                            int32_t width, int32_t height,
                                            const mdvt_video_writer_options* options,
                                            mdvt_writer** writer);

/* How depth becomes integer samples. */
typedef struct mdvt_depth_codec {
  uint32_t struct_size;
  int32_t encoding;  /* MDVT_DEPTH_RGB16 */
  double max_depth;  /* metres, [1e-6, 1e6]; 100. Values past it become the top code. */
  double log_offset; /* metres, of rgb24-log, (0, 1e6]; 2 */
  int32_t truncate;  /* 1: round rgb16 down as the original toolbox does; 0: to nearest */
  int32_t reserved;
} mdvt_depth_codec;

typedef struct mdvt_depth_writer_options {
  uint32_t struct_size;
  int32_t num_threads;                    /* of packing; 0: one per core, the default */
  const mdvt_depth_codec* codec;          /* NULL: defaults */
  const mdvt_video_writer_options* video; /* NULL: defaults; codec FFV1 or H264_RGB */
  double xfov_deg;                        /* tags of the file, degrees in (0, 180); 0: not known */
  double yfov_deg;
  const mdvt_camera* camera; /* intrinsics, for the size of the video; NULL: not known */
  const char* source;        /* name of the colour video; NULL: not known */
  int64_t source_frames;     /* number of its frames; 0: not known */
  int32_t write_sidecar;     /* 1: write the tags as <path>.mdvt.json too; 0: only beside .mp4 */
  int32_t reserved;
} mdvt_depth_writer_options;

/* Takes frames in GRAY F32, metres. Fails as mdvt_video_writer_open. */
MDVT_API mdvt_status mdvt_depth_writer_open(const char* path, int32_t width, int32_t height,
                                            const mdvt_depth_writer_options* options,
                                            mdvt_writer** writer);

/* Uses image, pts (must increase) and duration of the frame; the pixels are free to change when
 * this returns. Fails: MDVT_INVALID_ARGUMENT (format, size or time), MDVT_IO. */
MDVT_API mdvt_status mdvt_writer_write(mdvt_writer* writer, const mdvt_frame* frame);

/* Completes, counts, syncs and renames the file. Fails: MDVT_IO (disk full, frames missing),
 * MDVT_INVALID_ARGUMENT (no frame); under the name is what was there before, then. */
MDVT_API mdvt_status mdvt_writer_finish(mdvt_writer* writer);

/* Without mdvt_writer_finish before: removes all that was written. */
MDVT_API void mdvt_writer_close(mdvt_writer* writer);

/* ---- Depth as integer samples ------------------------------------------------------------- */

/* depth: GRAY F32. encoded: RGB 8 bits, GRAY 16 or GRAY 8 bits, as the encoding says; same size.
 * codec NULL: defaults. */
MDVT_API mdvt_status mdvt_depth_encode(const mdvt_depth_codec* codec, const mdvt_image* depth,
                                       const mdvt_image* encoded);
MDVT_API mdvt_status mdvt_depth_decode(const mdvt_depth_codec* codec, const mdvt_image* encoded,
                                       const mdvt_image* depth);

/* ---- Stereo ------------------------------------------------------------------------------- */

enum {
  MDVT_EDGES_TEAR = 1,   /* surfaces part at steps in depth; what appears behind is a hole */
  MDVT_EDGES_STRETCH = 2 /* the surface is a rubber sheet */
};
enum {
  MDVT_FILL_BACKGROUND = 1, /* holes are closed from their background side */
  MDVT_FILL_BLACK = 2
};
enum {
  MDVT_MASK_DIRECTIONS = 1, /* RGB: the colour tells where the background lies */
  MDVT_MASK_GREEN = 2       /* RGB: (0, 255, 0) in every hole */
};

typedef struct mdvt_stereo_options {
  uint32_t struct_size;
  int32_t edges;         /* MDVT_EDGES_TEAR */
  double baseline;       /* metres between the eyes, [0, 1]; 0.063 */
  double tear_disparity; /* a step tears beyond this many pixels on screen, [0, 1000]; 1 */
  double tear_depth;     /* and beyond this part of the nearer depth, [0, 10]; 0.02 */
} mdvt_stereo_options;

typedef struct mdvt_fill_options {
  uint32_t struct_size;
  int32_t rim; /* pixels next to a hole that may be a mixture of both sides, [0, 16]; 2 */
} mdvt_fill_options;

typedef struct mdvt_renderer_options {
  uint32_t struct_size;
  int32_t num_threads;                   /* 0: one per core, the default. Never changes results. */
  const mdvt_stereo_options* stereo;     /* NULL: defaults */
  const mdvt_fill_options* fill_options; /* NULL: defaults */
  int32_t fill;                          /* MDVT_FILL_BACKGROUND */
  int32_t mask_style;                    /* MDVT_MASK_DIRECTIONS */
  mdvt_color color; /* of the colour pictures: where chroma lies and what black is; unspecified */
} mdvt_renderer_options;

typedef struct mdvt_renderer mdvt_renderer;
MDVT_API mdvt_status mdvt_renderer_create(const mdvt_renderer_options* options,
                                          mdvt_renderer** renderer);

/* Where one eye's result goes. Images with data[0] NULL are left out. */
typedef struct mdvt_eye {
  uint32_t struct_size;
  int32_t reserved;
  mdvt_image image; /* format and size of the colour picture */
  mdvt_image depth; /* GRAY F32: metres of what is seen, 0 in holes; or left out */
  mdvt_image mask;  /* RGB 8 bits: black is seen, else a hole in the mask style; or left out */
} mdvt_eye;

/* Renders both eyes of one frame:
 *     x_left  = x + k (1 / z - 1 / convergence)    k = fx * baseline / 2, in pixels
 *     x_right = x - k (1 / z - 1 / convergence)
 * color        integer format, chroma shifts up to 1
 * depth        GRAY F32, size of color
 * camera       of the colour picture and its size
 * convergence  distance in metres at which the eyes' pictures coincide; 0: parallel eyes
 * Fails: MDVT_INVALID_ARGUMENT if sizes, formats or values are wrong. */
MDVT_API mdvt_status mdvt_renderer_render(mdvt_renderer* renderer, const mdvt_image* color,
                                          const mdvt_image* depth, const mdvt_camera* camera,
                                          double convergence, const mdvt_eye* left,
                                          const mdvt_eye* right);
MDVT_API void mdvt_renderer_destroy(mdvt_renderer* renderer);

/* Fills the holes of `image` (integer format) in place. mask: RGB 8 bits, same size, of
 * MDVT_MASK_DIRECTIONS or any earlier kind; exact black keeps the pixel. options may be NULL. */
MDVT_API mdvt_status mdvt_fill_holes(const mdvt_image* mask, const mdvt_fill_options* options,
                                     const mdvt_image* image);

/* ---- Models: networks in files -------------------------------------------------------------- */

/* A file that tells in its metadata what it takes and gives. It is a program: which files are
 * opened is decided by their SHA-256, formed before any other code sees the file. A model may be
 * used by several threads, stages and jobs at once. */
typedef struct mdvt_model mdvt_model;

enum {
  MDVT_PRECISION_FP32 = 1,
  MDVT_PRECISION_FP16 = 2,            /* CUDA */
  MDVT_PRECISION_BF16_CPU_ENCODER = 3 /* CPU with AVX512_BF16 or AMX */
};

/* Where pictures are made ready for networks of depth, and their maps aligned, resized and turned
 * into depth. */
enum {
  MDVT_PROCESSING_AUTO = 0,  /* on the device if that is not the CPU and the backend can */
  MDVT_PROCESSING_HOST = 1,  /* the same bits for every number of threads */
  MDVT_PROCESSING_DEVICE = 2 /* equal but for rounding; MDVT_UNSUPPORTED where it cannot be */
};

typedef struct mdvt_model_options {
  uint32_t struct_size;
  int32_t num_threads;        /* of one forward pass; 0: one per core, the default */
  const mdvt_limits* limits;  /* of metadata, manifest (text) and tensors; NULL: defaults */
  const char* backend;        /* "torch", ...; NULL: the one that takes the file's ending */
  const char* device;         /* "cuda", "cuda:1"; NULL: "cpu". Never replaced by another. */
  int32_t precision;          /* MDVT_PRECISION_FP32; one that the metadata names */
  int32_t deterministic;      /* 1: equal bits at any num_threads, one thread per pass; 0 */
  int32_t channels_last;      /* 1: convolutional networks run up to a fifth faster; 0 */
  int32_t profiling_executor; /* 1: LibTorch on the CPU keeps it, at twice the memory; 0 */
  int32_t optimize;           /* 1: optimise while opening, 250 to 400 MB; rounding differs; 0 */
  int32_t self_test;          /* 1: MDVT_CORRUPT unless the self-test passes; 0 */
  int32_t allow_unlisted;     /* 1: the caller vouches for files that no manifest lists; 0 */
  int32_t processing;         /* MDVT_PROCESSING_AUTO */
  const char* manifest;   /* list of hashes; NULL: manifest.json beside the model, if it is there */
  const char* sha256;     /* the hash that the file must have, 64 hexadecimal digits; NULL: any */
  double max_run_seconds; /* MDVT_LIMIT when a pass took longer; 0: as long as it takes, default */
} mdvt_model_options;

/* Fails: MDVT_INVALID_ARGUMENT (options), MDVT_NOT_FOUND (no file; no backend for it, the text
 * tells the folders looked at), MDVT_REFUSED (a hash that differs or is not listed; no metadata),
 * MDVT_CORRUPT (damaged file, wrong metadata, failed self-test), MDVT_UNSUPPORTED (device, operator
 * or format), MDVT_LIMIT, MDVT_IO, MDVT_OUT_OF_MEMORY. */
MDVT_API mdvt_status mdvt_model_open(const char* path, const mdvt_model_options* options,
                                     mdvt_model** model);

/* Pointers are valid until the model is closed. Texts are "" where the metadata says nothing. */
typedef struct mdvt_model_info {
  uint32_t struct_size;
  int32_t batch_max;     /* pictures of one forward pass */
  const char* name;      /* as the metadata has it */
  const char* kind;      /* "depth", "depth_video", "track", "flow", "segment", "infill_part" */
  const char* license;   /* of the weights */
  const char* upstream;  /* where they come from */
  const char* sha256;    /* of the file, 64 digits in lower case */
  const char* backend;   /* that runs it: "torch" */
  int32_t relative;      /* kind "depth": 1 if scale or shift is unknown, so that it needs a
                            calibration to become metres */
  int32_t metric;        /* kind "depth": 1 if it gives metres; both are 0 for other kinds */
  int32_t num_inputs;    /* tensors */
  int32_t num_outputs;   /* tensors */
  int32_t has_self_test; /* 1: the metadata has figures for mdvt_model_self_test */
  int32_t reserved;
} mdvt_model_info;
MDVT_API mdvt_status mdvt_model_info_get(const mdvt_model* model, mdvt_model_info* info);

/* Runs the network on the input of the metadata's "check" and compares. Fails: MDVT_CORRUPT if a
 * figure is off (the text tells which, and by how much), MDVT_REFUSED if there is no check. */
MDVT_API mdvt_status mdvt_model_self_test(const mdvt_model* model);

/* Stages and jobs that were made with the model keep it as long as they need it. */
MDVT_API void mdvt_model_close(mdvt_model* model);

/* Adds a backend that lives in the program itself, ahead of plug-ins; see mdvt_backend.h. It is
 * kept for ever. Fails: MDVT_INVALID_ARGUMENT (a function is missing), MDVT_UNSUPPORTED (another
 * ABI), MDVT_REFUSED (the name is taken by another table). */
struct mdvt_backend;
MDVT_API mdvt_status mdvt_backend_register(const struct mdvt_backend* backend);

/* Plug-ins of this folder count too from now on, before those of the installation. A plug-in that
 * other users of the machine may change is never opened. Fails: MDVT_INVALID_ARGUMENT (NULL, an
 * empty name, or one that is not UTF-8 where that is needed). */
MDVT_API mdvt_status mdvt_backend_add_folder(const char* folder);

/* ---- Stages: frames go in, results come out later ------------------------------------------ */

typedef struct mdvt_stage mdvt_stage;

enum {
  MDVT_MOTION_MEASURED = 1,       /* depth comes from the camera's translation */
  MDVT_MOTION_CARRIED = 2,        /* carried along from measured frames before */
  MDVT_MOTION_NO_TRANSLATION = 3, /* the camera turned or stood still: depth is a guess */
  MDVT_MOTION_LOST = 4            /* nothing could be followed: depth is a guess */
};

typedef struct mdvt_motion_options {
  uint32_t struct_size;
  int32_t num_threads;     /* 0: one per core, the default. Never changes results. */
  mdvt_camera camera;      /* of the frames; has to be given */
  const double* xfovs_deg; /* per frame, degrees in (0, 180); NULL: the camera never zooms */
  int64_t num_xfovs;       /* frames past the end of the list keep its last value */
  double scene_scale;      /* median depth of the clip's first measured frame, metres; 3 */
  int32_t working_side;    /* long side of the pictures that are measured, [64, 4096]; 640 */
  int32_t lookahead;       /* frames looked ahead, [2, 64]; 16 */
} mdvt_motion_options;

/* Depth from the camera's own motion. Takes frames of the camera's size in RGB 8 bits or, less
 * exact, in GRAY 8 bits, full range; gives depth in GRAY F32 with confidence and camera pose. */
MDVT_API mdvt_status mdvt_motion_create(const mdvt_motion_options* options, mdvt_stage** stage);

typedef struct mdvt_model_depth_options {
  uint32_t struct_size;
  int32_t num_threads; /* for resizing, and for passes side by side; 0: one per core, the default */
  mdvt_camera camera;  /* of the frames; has to be given */
  int32_t input_size;  /* in place of the metadata's target size, [14, 16384]; 0: that one */
  int32_t batch;       /* frames of one forward pass, [1, 64], as the model allows; 1 */
  int32_t side_by_side; /* passes at the same time, for deterministic models, [1, 1024]; 1 */
  int32_t reserved;
  /* Of relative models: 1 / metres = scale * disparity + shift. A scale of 0, the default, is none,
   * and estimates are then relative disparity (MDVT_QUANTITY_DISPARITY). */
  double disparity_scale; /* [0, 1e12]; 0 */
  double disparity_shift; /* finite; 0 */
  double median_depth;    /* scale from the first frame's median, (0, 10000] metres; 0: no */
} mdvt_model_depth_options;

/* Depth by a model of kind "depth". Takes frames in RGB of 8 to 16 bits, of the camera's size;
 * gives GRAY F32, see `quantity`. mdvt_stage_push and mdvt_stage_pop also fail as a network does:
 * MDVT_CORRUPT (NaN, wrong shapes), MDVT_LIMIT (time, memory), MDVT_OUT_OF_MEMORY.
 * Fails: MDVT_INVALID_ARGUMENT, MDVT_UNSUPPORTED for a model of another kind. */
MDVT_API mdvt_status mdvt_model_depth_create(const mdvt_model* model,
                                             const mdvt_model_depth_options* options,
                                             mdvt_stage** stage);

/* The next frame in order; it may be freed when this returns. NULL: there are no more. Every frame
 * pushed comes out once, in order. Fails: MDVT_INVALID_ARGUMENT (size, format, after the end). */
MDVT_API mdvt_status mdvt_stage_push(mdvt_stage* stage, const mdvt_frame* frame);
/* The next result, or MDVT_END if none is ready: push more; behind the end of the input: all are
 * out. Its pixels are valid until the next mdvt_stage_pop or mdvt_stage_destroy. */
MDVT_API mdvt_status mdvt_stage_pop(mdvt_stage* stage, mdvt_frame* frame);
MDVT_API void mdvt_stage_destroy(mdvt_stage* stage);

/* ---- Tools: whole jobs, from files to files -------------------------------------------------- */

/* Every tool has a name, options with names, and a report of a run with named fields:
 *     mdvt_options_new("stereo_rerender", &options);
 *     mdvt_options_set_text(options, "depth_video", "clip_depth.mkv");
 *     mdvt_options_set_number(options, "pupillary_distance", 65);
 *     mdvt_job_create(options, &job);
 *     mdvt_job_run(job, NULL, NULL);
 *     mdvt_job_report_number(job, "hole_share", &hole_share);
 * The names are those of the programs' command lines, with underscores or hyphens. Nothing else
 * tells one tool from another: what a program can list, it can run. */

MDVT_API int32_t mdvt_tool_count(void);

typedef struct mdvt_tool_info {
  uint32_t struct_size;
  int32_t reserved;
  const char* name;    /* "stereo_rerender" */
  const char* purpose; /* some lines for people */
  const char* example; /* a command line */
} mdvt_tool_info;
/* Tools are numbered from 0; the texts last for ever. */
MDVT_API mdvt_status mdvt_tool_info_get(int32_t index, mdvt_tool_info* info);

/* The options of one run of a tool. */
typedef struct mdvt_options mdvt_options;

/* With the defaults. Fails: MDVT_INVALID_ARGUMENT if there is no such tool; the text lists them. */
MDVT_API mdvt_status mdvt_options_new(const char* tool, mdvt_options** options);

/* Of a job as a text: {"tool": "stereo_rerender", "options": {"depth_video": "a.mkv", ...}}, as
 * --print_job of a program writes it. Fails: MDVT_CORRUPT (no JSON, or not of this shape),
 * MDVT_INVALID_ARGUMENT (unknown names, values out of range). */
MDVT_API mdvt_status mdvt_options_from_json(const char* json, mdvt_options** options);
/* only_given 0: all options, also those that have their defaults. The text is valid until the next
 * call of this with the same options, or mdvt_options_free. */
MDVT_API mdvt_status mdvt_options_to_json(mdvt_options* options, int32_t only_given,
                                          const char** json);
MDVT_API void mdvt_options_free(mdvt_options* options);

/* Setting fails with MDVT_INVALID_ARGUMENT for names that are not known (the text suggests one),
 * values of another kind or out of range; the option is as before, then. */
MDVT_API mdvt_status mdvt_options_set_flag(mdvt_options* options, const char* name, int32_t value);
MDVT_API mdvt_status mdvt_options_set_integer(mdvt_options* options, const char* name,
                                              int64_t value);
MDVT_API mdvt_status mdvt_options_set_number(mdvt_options* options, const char* name, double value);
/* Texts, choices, and any other option as on a command line: "0.5", "on". */
MDVT_API mdvt_status mdvt_options_set_text(mdvt_options* options, const char* name,
                                           const char* value);
/* As if it had never been given. */
MDVT_API mdvt_status mdvt_options_unset(mdvt_options* options, const char* name);

/* The value that holds, be it given or the default. MDVT_END, with *value 0 or NULL: it has none.
 * Fails: MDVT_INVALID_ARGUMENT for unknown names, and where the value is of another kind. */
MDVT_API mdvt_status mdvt_options_get_flag(const mdvt_options* options, const char* name,
                                           int32_t* value);
MDVT_API mdvt_status mdvt_options_get_integer(const mdvt_options* options, const char* name,
                                              int64_t* value);
MDVT_API mdvt_status mdvt_options_get_number(const mdvt_options* options, const char* name,
                                             double* value); /* integers too */
/* Of any kind, as on a command line. Valid until this option is asked for again, or
 * mdvt_options_free. */
MDVT_API mdvt_status mdvt_options_get_text(mdvt_options* options, const char* name,
                                           const char** value);
/* 1 if it was set; defaults do not count. */
MDVT_API mdvt_status mdvt_options_was_given(const mdvt_options* options, const char* name,
                                            int32_t* given);

/* An open model in place of the file that the option "model" names; setting that option again
 * replaces it. Options and jobs keep it as long as they need it. Fails: MDVT_INVALID_ARGUMENT for
 * tools that use none, MDVT_UNSUPPORTED for a model of another kind than "depth". */
MDVT_API mdvt_status mdvt_options_use_model(mdvt_options* options, const mdvt_model* model);
/* What the tool's readers may cost; NULL: the defaults. */
MDVT_API mdvt_status mdvt_options_use_limits(mdvt_options* options, const mdvt_limits* limits);

/* Which options go together, and whether all that are required are there; opens nothing. Fails:
 * MDVT_INVALID_ARGUMENT. mdvt_job_create does the same. */
MDVT_API mdvt_status mdvt_options_check(const mdvt_options* options);

/* ---- What can be set: for programs that build a form ----------------------------------------- */

enum {
  MDVT_OPTION_FLAG = 1,
  MDVT_OPTION_INTEGER = 2,
  MDVT_OPTION_NUMBER = 3,
  MDVT_OPTION_TEXT = 4,
  MDVT_OPTION_CHOICE = 5 /* a text that is one of `choices` */
};
enum { MDVT_PATH_INPUT = 1, MDVT_PATH_OUTPUT = 2, MDVT_PATH_FOLDER = 3 };

/* Pointers are valid until mdvt_options_free. Texts may be "", never NULL. */
typedef struct mdvt_option_info {
  uint32_t struct_size;
  int32_t kind;             /* MDVT_OPTION_* */
  const char* name;         /* with underscores */
  const char* unit;         /* what stands for the value in a help: "METRES", "FILE" */
  const char* help;         /* some words */
  const char* section;      /* heading in the help */
  const char* valid;        /* what is taken, in words: "a number in (0, 180)" */
  const char* default_text; /* what holds if it is not given, in words */
  double low;               /* INTEGER, NUMBER: the range. 2^53 or more is no limit. */
  double high;
  double also;            /* a number outside of it that has a meaning */
  const char* also_means; /* "all"; "" if there is none */
  int32_t without_low;    /* 1: `low` itself is not taken */
  int32_t without_high;   /* 1: `high` itself is not taken */
  int32_t path;           /* TEXT: MDVT_PATH_* if it names a file or folder; else 0 */
  int32_t takes_list;     /* 1: programs take a list of such files in a .txt file too */
  int32_t required;       /* 1: has to be given */
  int32_t optional;       /* 1: may have no value */
  int32_t num_choices;
  int32_t num_aliases;
  const char* const* choices;
  const char* const* aliases; /* other names that are taken */
} mdvt_option_info;
MDVT_API mdvt_status mdvt_option_count(const mdvt_options* options, int32_t* count);
/* Options are numbered from 0, in the order of the help. */
MDVT_API mdvt_status mdvt_option_info_get(const mdvt_options* options, int32_t index,
                                          mdvt_option_info* info);

/* A field of the tool's report. Pointers are valid until mdvt_options_free. */
typedef struct mdvt_report_field_info {
  uint32_t struct_size;
  int32_t kind;     /* MDVT_OPTION_FLAG, _INTEGER, _NUMBER or _TEXT */
  const char* name; /* "hole_share" */
  const char* help; /* some words, with the unit */
} mdvt_report_field_info;
MDVT_API mdvt_status mdvt_report_field_count(const mdvt_options* options, int32_t* count);
MDVT_API mdvt_status mdvt_report_field_info_get(const mdvt_options* options, int32_t index,
                                                mdvt_report_field_info* info);

/* ---- Jobs ------------------------------------------------------------------------------------ */

/* Decoding, computing and encoding overlap; memory does not grow with the length of the clip. After
 * a failure or cancellation nothing has appeared under an output's name. */
typedef struct mdvt_job mdvt_job;

/* Copies the options, which may be changed or freed at once. Fails as mdvt_options_check. */
MDVT_API mdvt_status mdvt_job_create(const mdvt_options* options, mdvt_job** job);

typedef struct mdvt_progress {
  uint32_t struct_size; /* filled in by the library */
  int32_t reserved;
  int64_t frames_done;  /* of this phase */
  int64_t frames_total; /* of this phase; 0 if not known, an estimate until the last frame */
  double seconds;       /* since the start of the job */
  double frames_per_second;
  const char* phase; /* what the job is at: "calibration", "depth", "stereo", "export" */
} mdvt_progress;
/* Return 0 to go on, anything else to cancel. */
typedef int32_t (*mdvt_progress_fn)(void* user, const mdvt_progress* progress);

/* Runs the job to its end, once. on_progress (may be NULL) is called on this thread, about ten
 * times a second and once at the end of each phase. Fails with whatever the files or the disk give,
 * and MDVT_CANCELLED, within a frame, after on_progress or mdvt_job_cancel asked for it. */
MDVT_API mdvt_status mdvt_job_run(mdvt_job* job, mdvt_progress_fn on_progress, void* user);

/* May be called from any thread and from a signal handler, before or during mdvt_job_run. */
MDVT_API mdvt_status mdvt_job_cancel(mdvt_job* job);

/* What the run has written and found; MDVT_INVALID_ARGUMENT before mdvt_job_run has returned
 * MDVT_OK. Pointers are valid until the job is destroyed. */
MDVT_API mdvt_status mdvt_job_frames(const mdvt_job* job, int64_t* frames);       /* written */
MDVT_API mdvt_status mdvt_job_summary(const mdvt_job* job, const char** summary); /* one line */
MDVT_API mdvt_status mdvt_job_output_count(const mdvt_job* job, int32_t* count);
/* A file or folder that was written, numbered from 0. */
MDVT_API mdvt_status mdvt_job_output(const mdvt_job* job, int32_t index, const char** path);
/* A field by its name. MDVT_END, with *value 0 or NULL: it does not apply to this run. Fails:
 * MDVT_INVALID_ARGUMENT for unknown names (the text lists them) and values of another kind. */
MDVT_API mdvt_status mdvt_job_report_flag(const mdvt_job* job, const char* name, int32_t* value);
MDVT_API mdvt_status mdvt_job_report_integer(const mdvt_job* job, const char* name, int64_t* value);
MDVT_API mdvt_status mdvt_job_report_number(const mdvt_job* job, const char* name,
                                            double* value); /* integers too */
/* Of any kind: "on", "0.25". */
MDVT_API mdvt_status mdvt_job_report_text(const mdvt_job* job, const char* name,
                                          const char** value);
MDVT_API void mdvt_job_destroy(mdvt_job* job);

/* ---- Defaults ------------------------------------------------------------------------------ */

#if defined(__GNUC__)
#define MDVT_INLINE_ static inline __attribute__((unused))
#else
#define MDVT_INLINE_ static inline
#endif
#define MDVT_DEFINE_INIT_(name, id)                     \
  MDVT_INLINE_ mdvt_status name##_init(name* value) {   \
    return mdvt_struct_init(id, value, sizeof(*value)); \
  }
MDVT_DEFINE_INIT_(mdvt_limits, MDVT_STRUCT_LIMITS)
MDVT_DEFINE_INIT_(mdvt_frame, MDVT_STRUCT_FRAME)
MDVT_DEFINE_INIT_(mdvt_video_info, MDVT_STRUCT_VIDEO_INFO)
MDVT_DEFINE_INIT_(mdvt_video_reader_options, MDVT_STRUCT_VIDEO_READER_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_depth_reader_options, MDVT_STRUCT_DEPTH_READER_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_video_writer_options, MDVT_STRUCT_VIDEO_WRITER_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_depth_writer_options, MDVT_STRUCT_DEPTH_WRITER_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_depth_codec, MDVT_STRUCT_DEPTH_CODEC)
MDVT_DEFINE_INIT_(mdvt_stereo_options, MDVT_STRUCT_STEREO_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_fill_options, MDVT_STRUCT_FILL_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_renderer_options, MDVT_STRUCT_RENDERER_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_eye, MDVT_STRUCT_EYE)
MDVT_DEFINE_INIT_(mdvt_motion_options, MDVT_STRUCT_MOTION_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_model_options, MDVT_STRUCT_MODEL_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_model_info, MDVT_STRUCT_MODEL_INFO)
MDVT_DEFINE_INIT_(mdvt_model_depth_options, MDVT_STRUCT_MODEL_DEPTH_OPTIONS)
MDVT_DEFINE_INIT_(mdvt_tool_info, MDVT_STRUCT_TOOL_INFO)
MDVT_DEFINE_INIT_(mdvt_option_info, MDVT_STRUCT_OPTION_INFO)
MDVT_DEFINE_INIT_(mdvt_report_field_info, MDVT_STRUCT_REPORT_FIELD_INFO)
#undef MDVT_DEFINE_INIT_
#undef MDVT_INLINE_

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MDVT_H_ */
