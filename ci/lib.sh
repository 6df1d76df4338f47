# shellcheck shell=bash
# What the scripts of this folder share: they source it, and are then in the repository's root with -e, -u and pipefail set.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

# Logs and results of the last run.
results=$root/.build/ci
vmlab=$root/.build/debug/vmlab

say() { printf '%s\n' "$*"; }

# Ends the script: the exit code (2 usage, 3 unfit host, else 1), then one line.
die() {
    local code=$1
    shift
    printf 'error: %s\n' "$*" >&2
    exit "$code"
}

# Tenths of a second since $1, a former $EPOCHREALTIME.
since() {
    local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
    local tenths=$(((now - then) / 100000))
    printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# step TEXT COMMAND…: one line before, one line with the time after.
step() {
    local text=$1 begin=$EPOCHREALTIME status=0
    shift
    say "==> $text"
    "$@" || status=$?
    if [ "$status" -eq 0 ]; then say "    done in $(since "$begin") s"; else say "    failed after $(since "$begin") s"; fi
    return "$status"
}

# -- Children --------------------------------------------------------------------------------------------------------------------------
# Swift's driver puts the programs it starts into process groups of their own, and guests live in sessions of their own: ending one group
# ends neither. So each program that runs below one of these scripts carries a mark in its environment, and that is what is looked for.

mark="VMLAB_CI_RUN=$$-${EPOCHREALTIME/[.,]/}"
group=
# The tests put sockets there, whose paths may have 107 bytes.
scratch=${TMPDIR:-/tmp}
if [ ${#scratch} -gt 30 ]; then scratch=/tmp; fi
scratch=$(mktemp -d "$scratch/vmlab-ci.XXXXXX")

# The ids of the programs with our mark.
marked() { { grep -lzsxF -e "$mark" /proc/[0-9]*/environ || true; } | cut -d/ -f3; }

# run COMMAND…: in a process group of its own, so that this shell stays free to react to signals.
run() {
    local status=0
    set -m
    (
        set +m
        export "${mark?}"
        "$@"
    ) </dev/null &
    group=$!
    set +m
    wait "$group" || status=$?
    group=
    return "$status"
}

# Ends everything that runs: asked first, after 5 s by force.
end_children() {
    local signal=TERM begin=$SECONDS pids
    [ -z "$group" ] || kill -TERM -- "-$group" 2>/dev/null || true
    while pids=$(marked) && [ -n "$pids" ]; do
        if [ $((SECONDS - begin)) -ge 5 ]; then signal=KILL; fi
        # shellcheck disable=SC2086
        if [ "$signal" ]; then kill -s "$signal" $pids 2>/dev/null || true; fi
        if [ "$signal" = TERM ]; then signal=; fi
        sleep 0.1
    done
    [ -z "$group" ] || kill -KILL -- "-$group" 2>/dev/null || true
}

interrupted() {
    trap '' INT TERM HUP
    printf '\ninterrupted by SIG%s: ending what runs\n' "$1" >&2
    end_children
    rm -rf "$scratch"
    trap - EXIT "$1"
    kill -s "$1" $$
}

trap 'interrupted INT' INT
trap 'interrupted TERM' TERM
trap 'interrupted HUP' HUP
trap 'rm -rf "$scratch"' EXIT

# -- Steps that several scripts take ---------------------------------------------------------------------------------------------------

# Not through `run`: sudo may want to ask for a password.
setup() { ./ci/setup; }

# Every script builds with the same switches, so that one build serves all. The compilers that the project is kept clean for turn warnings
# into errors; a newer compiler's new warnings stay warnings.
strictness() {
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    case $version in
        6.2 | 6.3) export VMLAB_WARNINGS_AS_ERRORS=1 ;;
        *) say "Swift $version is newer than what the project is kept clean for: warnings are no errors" ;;
    esac
}

build_quietly() {
    mkdir -p "$results"
    if [ -t 1 ]; then
        swift build "$@"
        return
    fi
    # Without a terminal the driver prints a line for each file; the log keeps them.
    swift build "$@" 2>&1 | tee "$results/build.log" | { grep --line-buffered -vE '^\[[0-9]+/[0-9]+\]|^(Building|Build complete)' || true; }
}

build_image() { "$vmlab" image build "$1" >/dev/null; }

# -- Tests -----------------------------------------------------------------------------------------------------------------------------

# Whether tests get the host to themselves, one after the other.
alone=false

# The test process of one tier. Files in the temporary folder and results beside them: $2.jsonl, $2.log.
test_process() {
    local tier=$1 out=$2 status=0
    shift 2
    export VMLAB_TIERS=$tier TMPDIR=$scratch
    if $alone; then
        export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=1
    elif [ "$tier" = cluster ]; then
        suites_two_at_a_time "$out" || status=$?
        return "$status"
    fi
    # A guest without KVM takes a whole processor: at most two at once.
    case $alone-$tier in false-contract | false-guest) export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2 ;; esac
    swift test --skip-build --disable-xctest --event-stream-output-path "$out.jsonl" "$@" >"$out.log" 2>&1 || status=$?
    return "$status"
}

# pattern ID: what --filter takes for the whole test of that identifier, and no other that begins as it does.
pattern() {
    local test=${1%%(*}
    printf '^%s\\(' "${test//./\\.}"
}

# Begun first, since what begins last decides when all have ended.
longest='CausesAndCuresTests|ClusterFormationTests|ProfileTests|NodeFault|NetFaultTests|CallVerbTests|KillTests|ManyNodesTests'

# suites_two_at_a_time OUT: the cluster tests of the inventory, each suite in a process of its own, so that the time limit of a test does not run
# while it waits for its turn. Labs spend much of their time waiting: two at once take about two thirds of the time of one after the other.
suites_two_at_a_time() {
    local out=$1 status=0 binary suite suites
    binary=$(swift build --show-bin-path)/vmlabPackageTests.xctest
    mkdir "$scratch/suites"
    jq -r '.notSelected | to_entries[] | select(.value == "cluster") | .key' "$results/inventory.json" | while IFS= read -r test; do
        suite=${test%%/*}
        printf '%s\n' "--filter" "$(pattern "$test")" >>"$scratch/suites/$suite"
    done
    suites=$(cd "$scratch/suites" && printf '%s\n' *)
    # shellcheck disable=SC2016
    {
        grep -E "$longest" <<<"$suites" || true
        grep -vE "$longest" <<<"$suites" || true
    } | NO_COLOR=1 VMLAB_TESTS=$binary xargs -P 2 -I {} bash -c '
        mapfile -t filters <"$1/$2"
        exec "$VMLAB_TESTS" --testing-library swift-testing --no-parallel --event-stream-output-path "$1/$2.jsonl" "${filters[@]}" >>"$3" 2>&1
        ' bash "$scratch/suites" {} "$out.log" || status=$?
    cat "$scratch/suites"/*.jsonl >"$out.jsonl" 2>/dev/null || true
    rm -r "$scratch/suites"
    return "$status"
}

# count_results TIER OUT STATUS LEFT SECONDS
count_results() {
    local tiers='{}'
    if [ -s "$results/inventory.json" ]; then tiers=$(jq .notSelected "$results/inventory.json"); fi
    touch "$2.jsonl"
    jq -n -R --arg root "$root/" --arg tier "$1" --arg name "${2##*/}" --argjson status "$3" --argjson left "$4" --argjson seconds "$5" \
        --argjson tiers "$tiers" -f ci/count.jq "$2.jsonl" >"$2.json"
}

# With no tier chosen nothing may run, and what is skipped says its tier: so $results/inventory.json has the tier of each test, and as `ran`
# the tests without one.
take_inventory() {
    mkdir -p "$results"
    rm -f "$results/inventory".*
    run test_process none "$results/inventory" "$@" || true
    count_results none "$results/inventory" 0 false 0
}

# Shows a log while it grows, without the lines that say only that something starts or belongs to another tier.
follow() {
    tail -n +1 -F --pid="$1" "$2" 2>/dev/null |
        { grep --line-buffered -vE '^◇|^↳ (Testing Library|Target Platform)|not selected: tier|^\[[0-9]+/[0-9]+\]|No matching test cases' || true; }
}

# Programs with our mark that do not descend from this script any more: whoever started them is gone.
orphans() {
    local pid parent
    for pid in $(marked); do
        parent=$pid
        while [ "${parent:-0}" -gt 1 ] && [ "$parent" -ne $$ ]; do
            parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$parent/status" 2>/dev/null) || true
        done
        if [ "${parent:-0}" -ne $$ ] && [ -d "/proc/$pid" ]; then printf '%s\n' "$pid"; fi
    done
}

# The test process and its log on the screen. Programs that are orphans 5 s after the last test are named in $2.left and ended; the driver
# would wait for them for ever if they hold its output open.
test_and_follow() {
    local status=0 tests shown
    : >"$2.log"
    test_process "$@" &
    tests=$!
    follow "$tests" "$2.log" &
    shown=$!
    while kill -0 "$tests" 2>/dev/null && ! grep -qs '"kind":"runEnded"' "$2.jsonl"; do sleep 0.2; done
    wait_for_orphans "$SECONDS" >"$2.left"
    wait "$tests" || status=$?
    wait "$shown" || true
    return "$status"
}

# wait_for_orphans SINCE: until none is left, or until 5 s after SINCE; then each is named and ended by force.
wait_for_orphans() {
    local pid pids
    while pids=$(orphans) && [ -n "$pids" ]; do
        if [ $((SECONDS - $1)) -ge 5 ]; then
            for pid in $pids; do printf 'left behind: %s %s\n' "$pid" "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | cut -c 1-120)"; done
            # shellcheck disable=SC2086
            kill -KILL $pids 2>/dev/null || true
            return
        fi
        sleep 0.2
    done
}

# run_tier TIER NAME [ARGUMENT…]: runs the tests of a tier and writes $results/NAME.json, what count.jq says; fails when a test failed.
run_tier() {
    local tier=$1 name=$2
    mkdir -p "$results"
    rm -f "$results/$name".*
    run_counted "$@"
    run_again "$tier" "$name"
    jq -e '.failed == 0' "$results/$name.json" >/dev/null
}

# A test that failed among others runs once more, alone, if guests or the host's other work can be behind it: not in the unit tier, and not when many
# failed, or something but a test. One that passes then is flaky: named with what it said first, and counted as passed, as `vmlab run --retries` does.
# Both attempts stay: NAME.* and NAME-again.*.
run_again() {
    local tier=$1 name=$2 filters=() test
    local out=$results/$name again=$results/$name-again
    rm -f "$again".*
    if [ "$tier" = unit ] || ! jq -e '.failed >= 1 and .failed <= 5 and all(.failures[]; .id)' "$out.json" >/dev/null; then return; fi
    while IFS= read -r test; do filters+=(--filter "$(pattern "$test")"); done < <(jq -r '[.failures[].id] | unique[]' "$out.json")
    say "    once more, alone: $(jq -r '[.failures[].test] | unique | join("; ")' "$out.json")"
    alone=true
    run_counted "$tier" "$name-again" "${filters[@]}"
    alone=false
    jq --slurpfile again "$again.json" -f ci/flaky.jq "$out.json" >"$again.merged"
    mv "$again.merged" "$out.json"
}

# run_counted TIER NAME [ARGUMENT…]
run_counted() {
    local tier=$1 name=$2 begin=$EPOCHREALTIME status=0 left=false
    local out=$results/$name
    shift 2
    run test_and_follow "$tier" "$out" "$@" || status=$?
    if [ -s "$out.left" ]; then
        left=true
        cat "$out.left"
    fi
    count_results "$tier" "$out" "$status" "$left" "$(since "$begin")"
}

# A failure that is not a test's: a build, the lint.
record_failure() {
    mkdir -p "$results"
    jq -n --arg name "$1" --arg text "$2" --argjson seconds "${3:-0}" \
        '{name: $name, passed: 0, failed: 1, skipped: 0, notSelected: {}, ran: [], flaky: [], seconds: $seconds,
          failures: [{where: $name, test: "", text: $text}], skips: []}' >"$results/$1.json"
}

# report FILE…: failures, flaky tests, skips, a table, and the closing line; succeeds when something ran and nothing failed.
report() {
    if [ $# -eq 0 ]; then
        say "0 passed, 0 failed, 0 skipped"
        return 1
    fi
    say
    jq -r '.name as $name | .failures[] | "failed:  \(.where): \(if .test == "" then "" else .test + ": " end)\(.text) [\($name)]"' "$@"
    jq -r '.name as $name | .flaky[] | "flaky:   \(.where): \(.test): passed alone; before: \(.text) [\($name)]"' "$@"
    jq -r '.name as $name | .skips[] | "skipped: \(.where): \(.test): \(.text) [\($name)]"' "$@"
    jq -r '[.name, .passed, ([.flaky[].id] | unique | length), .failed, .skipped, .seconds] | @tsv' "$@" |
        awk -F '\t' 'BEGIN { printf "%-16s %8s %13s %8s %8s %9s\n", "", "passed", "of them flaky", "failed", "skipped", "seconds" }
                     { printf "%-16s %8d %13d %8d %8d %9.1f\n", $1, $2, $3, $4, $5, $6 }'
    jq -r -s '"\(map(.passed) | add) passed, \(map(.failed) | add) failed, \(map(.skipped) | add) skipped"' "$@"
    jq -e -s 'map(.failed) | add == 0' "$@" >/dev/null && jq -e -s 'map(.passed) | add > 0' "$@" >/dev/null
}
