#!/bin/sh
# An environment for the packages that the benchmarks and tests/parity/peers compare with: Python 3.11, about two
# minutes.
#
#     sh benchmarks/peers/make_env.sh [PYTHON]
#
# They are installed without their dependencies, whose ranges exclude one another and the torch we measure with. What
# they need beyond that is beside this file, in stubs/.
set -eu
cd "$(dirname "$0")/../.."
"${1:-python3}" -m venv .venv-peers
pip=".venv-peers/bin/python -m pip install --quiet --disable-pip-version-check"
$pip torch==2.13.0 numpy soundfile julius tqdm pyyaml lameenc imageio-ffmpeg
$pip --no-deps openunmix==1.3.0 demucs==4.1.0 musdb==0.4.3 stempeg==0.2.6 ffmpeg-python==0.2.0 future
$pip scipy pandas simplejson jsonschema packaging
$pip webdataset==1.0.2
$pip --no-deps litdata==0.2.76 lightning-utilities filelock boto3 botocore s3transfer jmespath python-dateutil six requests \
  charset-normalizer idna certifi urllib3 tifffile obstore
$pip --no-deps museval==0.4.1 fast_bss_eval==0.1.4
$pip --no-deps BS-RoFormer==1.2.4 einops==0.8.2 einx==0.4.3 beartype==0.23.1 hyper-connections==0.4.11 \
  PoPE-pytorch==0.2.1 rotary-embedding-torch==0.9.1 torch-einops-utils==0.2.0
$pip --no-deps librosa==0.11.0 lazy_loader decorator joblib msgpack numba==0.68.1 llvmlite==0.50.0 cloudpickle loky \
  threadpoolctl pooch platformdirs frozendict
# stempeg calls ffmpeg by this name; one that is installed already comes first in the path.
.venv-peers/bin/python -c 'import imageio_ffmpeg, os, sys
link = os.path.join(sys.prefix, "bin", "ffmpeg")
os.path.lexists(link) or os.symlink(imageio_ffmpeg.get_ffmpeg_exe(), link)'
