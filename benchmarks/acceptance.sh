#!/usr/bin/env bash
# The study's promises, one after another on an otherwise idle machine; a line that was finished is not run again.
# Usage: HEADSTART_DATA=… benchmarks/acceptance.sh OUT   (about an hour on two cores; kill it and call it again at will)
set -eu
out=$1 cells=$HEADSTART_DATA/cells/data.npz
mkdir -p "$out"
line() { # NAME COMMAND…: run once, keep what it printed and how long it took; one that fails is passed over
    [ -f "$out/$1.done" ] && return
    local started=$SECONDS
    "${@:2}" >"$out/$1.log" 2>&1 || { echo "$1 failed: $out/$1.log"; return; }
    echo "$1 $((SECONDS - started)) s, commit $(git rev-parse --short HEAD)" | tee "$out/$1.done"
}
for seed in 0 1 2; do
    line "real-$seed" headstart study "$cells" --folds 4 --repeats 5 --seed $seed --out "$out/real-$seed" --resume
    line "all-$seed" headstart study "$cells" --folds 4 --repeats 5 --seed $seed --saw all \
        --approaches svm-pixels,simclr+probe,simclr+svm --out "$out/all-$seed" --resume
done
line cells headstart study cells --out "$out/cells" --resume
line cells-10m headstart study cells --time-budget 10m --out "$out/cells-10m" --resume
line resume python benchmarks/bench_resume.py
line nothing python benchmarks/bench_nothing.py "$out/nothing.jsonl"
line intervals python benchmarks/bench_intervals.py
line views python benchmarks/bench_views.py
line training python benchmarks/bench_training.py
cat "$out"/*.done
