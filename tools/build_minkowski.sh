#!/bin/sh
# Compiles MinkowskiEngine for the CPU into a virtual environment that has PyTorch; some five minutes.
# Usage: build_minkowski.sh BIN        BIN: the environment's bin folder
set -eu
bin=$1
here=$(dirname "$0")
headers=$("$bin/python" -c "import sysconfig; print(sysconfig.get_path('include'))")
sh "$here/system_libraries.sh" libopenblas.so:libopenblas-dev
sh "$here/system_libraries.sh" --program g++:g++
sh "$here/system_libraries.sh" --file "$headers/Python.h:python3-dev"
"$bin/pip" install -q -c constraints.txt ninja setuptools wheel
# Its setup.py calls pip and ninja by name, needs PyTorch while it builds, and asks for numpy.distutils (gone)
# unless told which BLAS to use. A wheel from pip's cache might have been built for another PyTorch.
PATH="$(cd "$bin" && pwd):$PATH" MAX_JOBS="${MAX_JOBS:-2}" "$bin/pip" install -q --no-deps --no-cache-dir --force-reinstall \
    --no-build-isolation --use-pep517 \
    --config-settings="--global-option=--blas=openblas --cpu_only" MinkowskiEngine==0.5.4
