/* SPDX-License-Identifier: Apache-2.0
 *
 * What mdvt asks of a library that runs neural networks: a table of C functions. LibTorch is behind
 * one such table (backends/torch); others can be written without mdvt's sources, in C99 or anything
 * that can export a C symbol (examples/backend is one of 100 lines).
 *
 * To write one
 *   1. Make a shared library mdvt_<name>.so that exports mdvt_backend_entry() and nothing else
 *      (-fvisibility=hidden). It includes this header and links nothing of mdvt.
 *   2. Fill in one static mdvt_backend and return its address.
 *   3. Put the file into a folder of the environment variable MDVT_BACKEND_PATH (a list separated
 *      by colons), into one that the host program names (mdvt_backend_add_folder), or into the
 *      installation's lib/mdvt/. No other user may be able to write there. It is opened (RTLD_NOW |
 *      RTLD_LOCAL) when a model first wants it.
 *
 * Division of work   mdvt checks hashes, metadata, shapes and finiteness, resizes pictures, cuts
 *                    windows and tiles. A backend opens a file, runs it, and says what went wrong.
 *                    One with a fast device can also take the arithmetic on pictures and maps, so
 *                    that they stay there: load(), calculate() and reduce().
 * Values             float32 in row-major order without gaps, whatever the network computes in.
 * Failures           No function may throw, abort or exit because of a file or of tensors. Each
 *                    returns a status; last_error() then has one line of text: what and why.
 * Threads            Functions may be called from several threads at once, also run() on one model.
 * Files              The path that a backend gets names a sealed copy of the file in memory, whose
 *                    hash has been checked (/proc/self/fd/N). It has no ending and no neighbours,
 * may be opened in this process as often as needed while the call lasts, and cannot be written.
 * Ownership          What a backend hands out lives until the free function of its kind is called;
 *                    what it is given need not live longer than the call.
 * Versions           mdvt_backend_entry() gets the number of the table that mdvt knows and returns
 *                    NULL if the backend cannot serve it. Within one number the table and the
 *                    structs that begin with struct_size only grow at their end: use struct_size to
 *                    tell what the other side knows. The other structs never change.
 */
#ifndef MDVT_BACKEND_H_
#define MDVT_BACKEND_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MDVT_BACKEND_ABI 1

/* The same numbers as mdvt_status of mdvt.h. */
typedef int32_t mdvt_backend_status;
enum {
  MDVT_BACKEND_OK = 0,
  MDVT_BACKEND_INVALID_ARGUMENT = 1, /* a tensor or an option that this model cannot take */
  MDVT_BACKEND_NOT_FOUND = 2,        /* no such file */
  MDVT_BACKEND_CORRUPT = 3,          /* the file is damaged, or contradicts itself when it runs */
  MDVT_BACKEND_UNSUPPORTED = 4,      /* valid, but not with this version, device or precision */
  MDVT_BACKEND_IO = 8,               /* the operating system refused a read */
  MDVT_BACKEND_OUT_OF_MEMORY = 9,    /* of the host or of the device */
  MDVT_BACKEND_INTERNAL = 11         /* a bug of the backend */
};

typedef struct mdvt_backend_model mdvt_backend_model;   /* an opened file */
typedef struct mdvt_backend_buffer mdvt_backend_buffer; /* values that the backend keeps */

enum { MDVT_BACKEND_MAX_RANK = 8, MDVT_BACKEND_MAX_TENSORS = 64 };

/* A tensor going in: `data` on the host, or `buffer` that an earlier run, load() or calculate() of
 * the same model or of another model of this backend on the same device returned; the other one is
 * NULL.
 * A tensor coming out: `buffer` is set, owned by the caller and ended with free_buffer(); `data` is
 * where its values lie on the host while it lives, or NULL where they are on a device. */
typedef struct mdvt_backend_tensor {
  const char* name; /* in: as the metadata calls it; out: NULL if the backend has no names */
  int32_t rank;     /* 0 .. MDVT_BACKEND_MAX_RANK */
  int32_t reserved; /* 0 */
  int64_t shape[MDVT_BACKEND_MAX_RANK]; /* positive, outermost first */
  const float* data;
  mdvt_backend_buffer* buffer;
} mdvt_backend_tensor;

typedef int32_t mdvt_backend_precision;
enum {
  MDVT_BACKEND_FP32 = 1,
  MDVT_BACKEND_FP16 = 2,            /* the whole module in half precision; tensors stay float32 */
  MDVT_BACKEND_BF16_CPU_ENCODER = 3 /* the file places the cast itself; nothing to convert */
};

enum {
  /* The same bits for the same input, whatever num_threads: one thread for each run(). */
  MDVT_BACKEND_DETERMINISTIC = 1,
  /* Pictures are handed to the network channels-last; pays for convolutional ones. */
  MDVT_BACKEND_CHANNELS_LAST = 2,
  /* LibTorch: keep the profiling executor, which is otherwise off on the CPU (it takes two to
   * three times the memory). */
  MDVT_BACKEND_PROFILING_EXECUTOR = 4,
  /* Spend time and memory at opening on a faster network; rounding may differ. */
  MDVT_BACKEND_OPTIMIZE = 8
};

/* A further file of a network, which its own file names: the weights of an .onnx file. */
typedef struct mdvt_backend_file {
  const char* name; /* as the network's file calls it */
  const char* path; /* of its sealed copy, see "Files" above */
} mdvt_backend_file;

typedef struct mdvt_backend_options {
  uint32_t struct_size; /* = sizeof(mdvt_backend_options) of mdvt */
  uint32_t flags;
  const char* device;  /* "cpu", "cuda", "cuda:1", ...; never another one than was asked for */
  int32_t num_threads; /* at least 1 */
  mdvt_backend_precision precision;
  /* The outputs of the metadata, in its order: run() gives these and computes no others. Where
   * outputs have names but none of these, the first num_outputs are meant; where they have none,
   * all are given. */
  const char* const* outputs;
  size_t num_outputs;
  /* Hashed together with the network's file, and to be read from here only. */
  const mdvt_backend_file* files;
  size_t num_files;
} mdvt_backend_options;

typedef int32_t mdvt_backend_type;
enum { MDVT_BACKEND_U8 = 1, MDVT_BACKEND_U16 = 2, MDVT_BACKEND_F32 = 3 };

/* Planes of one size on the host: the channels of a picture, or a map. */
typedef struct mdvt_backend_planes {
  const void* const* data; /* the first sample of each plane; the samples of a row have no gaps */
  int64_t stride;          /* bytes from one row to the next, the same in all planes */
  mdvt_backend_type type;
  int32_t count, height, width; /* positive */
} mdvt_backend_planes;

/* What calculate() makes of its inputs; the result is float32, in [planes, height, width]. Inputs
 * are buffers of load(), calculate() or run(); those of run() in any shape and floating type, the
 * last two axes being height and width, all others together the planes. */
typedef int32_t mdvt_backend_operation;
enum {
  /* Inputs a, rows [1, h, H], columns [1, w, W]: rows * plane * columns' for each plane of a. The
   * products are formed in float32, not in a type that a device has for less exact ones. */
  MDVT_BACKEND_RESAMPLE = 1,
  /* Inputs a and perhaps b, which has the planes of a or one for all of them. Numbers: least, then
   * gain, bias, extra for each plane of a, or once for all of them:
   * max(least, gain * a + bias + extra * b). */
  MDVT_BACKEND_LINEAR = 2,
  /* Inputs a, and b with one plane: a * b. */
  MDVT_BACKEND_MULTIPLY = 3,
  /* Input a. Numbers: scale, shift, numerator, otherwise. With v = scale * a + shift: 0 where v is
   * NaN, numerator / v where it is positive, else `otherwise`. */
  MDVT_BACKEND_INVERT = 4,
  /* Input a. Numbers: first, count: so many planes of it from `first` on, counted from 0. */
  MDVT_BACKEND_TAKE = 5,
  /* Any number of inputs of one height and width: their planes, one after the other. */
  MDVT_BACKEND_JOIN = 6
};

/* What reduce() finds out, in double precision. */
typedef int32_t mdvt_backend_reduction;
enum {
  /* Input a: its least and its largest value; both NaN if one of its values is. */
  MDVT_BACKEND_EXTREMES = 1,
  /* Input a. Numbers: step: every step-th value, beginning with the first. */
  MDVT_BACKEND_SAMPLES = 2,
  /* Inputs a and b with as many values. Numbers: a0, b0, scale, shift, limit. With e = |scale * a +
   * shift - b| and w = 1 where e <= limit, else limit / e, the sums over all values of w, w x, w y,
   * w x x, w x y, where x = a - a0, y = b - b0. An infinite limit makes every w 1. */
  MDVT_BACKEND_LINE_SUMS = 3
};

typedef struct mdvt_backend {
  uint32_t struct_size; /* = sizeof(mdvt_backend) of the backend */
  int32_t abi;          /* = MDVT_BACKEND_ABI of the backend */

  const char* name;              /* "torch", the same as in the name of the file */
  const char* version;           /* one line: "LibTorch 1.13.1" */
  const char* const* extensions; /* file endings in lower case with their dot; NULL ends the list */

  /* What the last failed call on this thread has to say, in one line without the file's name. Never
   * NULL; valid until the next call on this thread. */
  const char* (*last_error)(void);

  /* The description that the exporter put into the file (JSON), without running or loading the
   * network where the format allows that. *text is NULL if the file has none; else it ends with a
   * zero byte and is ended with free_text(). */
  mdvt_backend_status (*read_metadata)(const char* path, char** text);
  void (*free_text)(char* text); /* NULL is fine */

  /* Loads the network to the device, ready to run. After a failure *model is NULL. */
  mdvt_backend_status (*open)(const char* path, const mdvt_backend_options* options,
                              mdvt_backend_model** model);
  void (*close)(mdvt_backend_model* model); /* NULL is fine; buffers of its runs stay valid */

  /* One forward pass. Inputs come in the order of the metadata. Fills in the first *num_outputs
   * elements of `outputs`, which has room for `capacity`; more outputs than that are a failure.
   * After a failure there is nothing to free. */
  mdvt_backend_status (*run)(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                             size_t num_inputs, mdvt_backend_tensor* outputs, size_t capacity,
                             size_t* num_outputs);
  /* The `count` values of a buffer; fails if it has another number of them. */
  mdvt_backend_status (*copy_to_host)(const mdvt_backend_buffer* buffer, float* values,
                                      size_t count);
  void (*free_buffer)(mdvt_backend_buffer* buffer); /* NULL is fine */

  /* One JSON object for the user's eyes, ended with free_text(): at least "version", "threads" (how
   * many it would use by itself) and "devices" (an array of texts as `device` above takes). */
  mdvt_backend_status (*describe)(char** json);

  /* Multiplies two n x n matrices on the device and tells the seconds of the best of three runs, so
   * that a slow BLAS can be found out; 1 <= n <= 8192. May be NULL: not applicable. */
  mdvt_backend_status (*time_matrix_product)(const char* device, int32_t num_threads, int32_t n,
                                             double* seconds);

  /* One run() of which nothing is kept, and what its tensors took on the host, in order: where one
   * is made, its bytes (positive); where tensor number n ends, in the order in which they were made
   * and counted from 0, -1 - n. Compared between two small inputs, that tells beforehand what a
   * large one takes. Fills in at most `capacity` events, *count of them; may be NULL, or fail as
   * MDVT_BACKEND_UNSUPPORTED where that is not known (another device, more events). */
  mdvt_backend_status (*trace_run)(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                                   size_t num_inputs, int64_t* events, size_t capacity,
                                   size_t* count);

  /* The events that trace_run() would tell of such inputs, without running anything: from their
   * shapes and the network's file. Rather a little more than will be taken than less. May be NULL,
   * or fail as trace_run() does where that does not tell; trace_run() is not asked then. */
  mdvt_backend_status (*plan_run)(mdvt_backend_model* model, const mdvt_backend_tensor* inputs,
                                  size_t num_inputs, int64_t* events, size_t capacity,
                                  size_t* count);

  /* Arithmetic on the device of an open model, beside its runs. The three come together or are all
   * NULL: mdvt then does that work on the host. `model` only tells the device and the threads;
   * buffers may be given to run() of any model there, in the shape that its tensor tells, if that
   * has as many values. */
  mdvt_backend_status (*load)(mdvt_backend_model* model, const mdvt_backend_planes* planes,
                              mdvt_backend_buffer** buffer);
  mdvt_backend_status (*calculate)(mdvt_backend_model* model, mdvt_backend_operation operation,
                                   const mdvt_backend_buffer* const* inputs, size_t num_inputs,
                                   const double* numbers, size_t num_numbers,
                                   mdvt_backend_buffer** buffer);
  /* Fills in at most `capacity` results, *count of them; more of them than that are a failure. */
  mdvt_backend_status (*reduce)(mdvt_backend_model* model, mdvt_backend_reduction reduction,
                                const mdvt_backend_buffer* const* inputs, size_t num_inputs,
                                const double* numbers, size_t num_numbers, double* results,
                                size_t capacity, size_t* count);
} mdvt_backend;

/* The one symbol of a backend. `abi` is MDVT_BACKEND_ABI of mdvt. */
typedef const mdvt_backend* (*mdvt_backend_entry_fn)(int32_t abi);
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const mdvt_backend*
mdvt_backend_entry(int32_t abi);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MDVT_BACKEND_H_ */
