#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Depth and side-by-side 3D for a video, or for a sample clip with known depth when none is given.
#
# usage: scripts/demo.sh [VIDEO [FOLDER]]
#   VIDEO   the video; none or '' means: make a sample clip, and measure the depth against its truth
#   FOLDER  where the results go; ./demo-output if not given
# Builds mdvt first where that has not been done.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
(($# <= 2)) || { echo "demo.sh: too many arguments, try --help" >&2; exit 2; }
video=${1:-}
folder=${2:-demo-output}
[[ -z $video || -f $video ]] || fail "'$video' is not a file"

"$root/scripts/build.sh"
bin=$root/build/bin
mkdir -p -- "$folder"
folder=$(cd -- "$folder" && pwd)

fov=()
truth=
if [[ -z $video ]]; then
  video=$folder/sample.mp4
  truth=$folder/sample_true_depth.mkv
  say "making a sample clip with known depth"
  "$bin/mdvt_make_demo_clip" --output "$video" --depth_output "$truth"
  fov=(--xfov 60)
fi
name=$(basename -- "$video")
name=$folder/${name%.*}

say "depth from the motion of the camera"
"$bin/video_metric_convert" --color_video "$video" "${fov[@]}" --output "${name}_depth.mkv"
say "both eyes, side by side"
"$bin/stereo_rerender" --depth_video "${name}_depth.mkv" --color_video "$video" \
  --compressed --output "${name}_sbs.mp4"
say "the same with holes left open, and their mask"
"$bin/stereo_rerender" --depth_video "${name}_depth.mkv" --color_video "$video" \
  --infill_mask --output "${name}_holes.mkv"
say "contact sheet"
"$bin/mdvt_contact_sheet" --color_video "$video" --depth_video "${name}_depth.mkv" \
  --stereo_video "${name}_sbs.mp4" --mask_video "${name}_holes.mkv_infillmask.mkv" \
  --output "${name}_sheet.png"
if [[ -n $truth ]]; then
  say "error of the depth against the truth"
  "$bin/mdvt_depth_error" --depth_video "${name}_depth.mkv" --truth_video "$truth"
fi

cat <<END

video          $video
depth          ${name}_depth.mkv
side by side   ${name}_sbs.mp4
hole masks     ${name}_holes.mkv_infillmask.mkv
contact sheet  ${name}_sheet.png
END
