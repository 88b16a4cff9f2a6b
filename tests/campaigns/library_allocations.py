#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets allocations of 1 KiB or more fail in a process that uses the libraries, C's and Python's, one in each call.

A call then ends with the status or the error that says "out of memory", or it writes what it writes without
the failure. Decoders of FFmpeg call a picture damaged that they could not get memory for, and a library must not
watch the allocations of its host, as the programs do: there the call says so, by its error or by a warning. What
it leaves behind is its output or nothing. The same process goes on all the while: whatever a
failed call has left broken shows in the next.
"""

import ctypes
import hashlib
import pathlib
import sys

from campaign import Campaign, run

CORRUPT, OUT_OF_MEMORY = 3, 9  # MDVT_CORRUPT, MDVT_OUT_OF_MEMORY


def load_c(build):
    library = ctypes.CDLL(str(build / "lib/libmdvt.so"))
    library.mdvt_last_error.restype = ctypes.c_char_p
    return library


def c_job(library, color, depth, output):
    """The tool stereo_rerender through the C interface: a status."""
    options, job = ctypes.c_void_p(), ctypes.c_void_p()
    status = library.mdvt_options_new(b"stereo_rerender", ctypes.byref(options))
    for name, value in ((b"depth_video", depth), (b"color_video", color), (b"output", output)):
        if status == 0:
            status = library.mdvt_options_set_text(options, name, str(value).encode())
    if status == 0:
        status = library.mdvt_options_set_integer(options, b"threads", ctypes.c_int64(1))
    if status == 0:
        status = library.mdvt_job_create(options, ctypes.byref(job))
    if status == 0:
        status = library.mdvt_job_run(job, None, None)
    text = library.mdvt_last_error().decode() if status != 0 else ""
    library.mdvt_job_destroy(job)
    library.mdvt_options_free(options)
    return status, text


def python_job(mdvt, color, depth, output):
    try:
        mdvt.stereo_rerender(depth_video=depth, color_video=color, output=output, threads=1)
    except MemoryError:
        return OUT_OF_MEMORY, "MemoryError"
    except mdvt.Error as error:
        codes = {mdvt.Code.OUT_OF_MEMORY: OUT_OF_MEMORY, mdvt.Code.CORRUPT: CORRUPT}
        return codes.get(error.code, "other"), str(error)
    return 0, ""


def work(interface, build, folder, numbers):
    """In a process of its own: a line for each call, "number status hash text"."""
    shim, told = ctypes.CDLL(None), []
    shim.mdvt_fail_next.argtypes, shim.mdvt_fail_count.restype = [ctypes.c_long], ctypes.c_long
    if interface == "python":
        sys.path.insert(0, str(build / "python"))
        import mdvt  # pylint: disable=import-outside-toplevel
        mdvt.set_log_sink(lambda level, text: told.append(text))
        call, used = python_job, mdvt
    else:
        call, used = c_job, load_c(build)
        sink = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p)(
            lambda user, level, text: told.append(text.decode()))
        used.mdvt_set_log_sink(sink, None)
    output = folder / "out.mkv"
    shim.mdvt_fail_next(-1)
    call(used, folder / "color.mp4", folder / "depth.mkv", output)
    print("count", shim.mdvt_fail_count(), flush=True)
    for number in numbers:
        output.unlink(missing_ok=True)
        told.clear()
        shim.mdvt_fail_next(int(number))
        status, text = call(used, folder / "color.mp4", folder / "depth.mkv", output)
        shim.mdvt_fail_next(-1)
        made = hashlib.sha256(output.read_bytes()).hexdigest() if output.exists() else "none"
        others = [path.name for path in folder.iterdir() if path.name.startswith(".mdvt")]
        is_told = any("damaged" in text or "missing" in text for text in told)
        print(number, status, made, int(is_told), len(others), text, flush=True)


def main():
    campaign = Campaign(__doc__, short=60, long=2000)
    build = campaign.options.build.resolve()
    campaign.make_clips(width=64, height=48, frames=4)
    environment = {"LD_PRELOAD": str(build / "tests/failing_malloc.so")}
    for interface in ("c", "python"):
        if interface == "python" and not (build / "python/mdvt").exists():
            continue

        def start(numbers, interface=interface):
            return run([sys.executable, "-B", __file__, "--work", interface, str(build), str(campaign.folder),
                        *map(str, numbers)], environment)

        status, out, err = start([-1, -1])
        lines = out.split("\n")
        if status != 0 or lines[1].split()[1] != "0" or lines[1].split()[2] == "none":
            raise SystemExit(f"library_allocations: {interface} fails by itself: {status} {out} {err}")
        count, whole = int(lines[0].split()[1]), lines[1].split()[2]
        wanted = [campaign.random.randrange(count) for _ in range(campaign.tries // 2)]
        status, out, err = start(wanted)
        done = [line.split(" ", 5) for line in out.split("\n")[1:] if line]
        for number, code, made, is_told, others, text in done:
            whole_or_told = made == whole or made != "none" and is_told == "1"
            good = code == "0" and whole_or_told or code in (str(CORRUPT), str(OUT_OF_MEMORY)) and made == "none"
            campaign.judge(good and others == "0",
                           f"{interface}, allocation {number} of {count}: {code} {made[:8]} {others} left behind {text}")
        if len(done) < len(wanted):
            campaign.judge(False, f"{interface}, allocation {wanted[len(done)]} of {count}: ended with {status} {err}")
    campaign.end()


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--work":
        work(sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]), sys.argv[5:])
    else:
        main()
