#!/usr/bin/env bash
# The scenario of Sources/EdgePlatform/Telemetry.swift once more, as a script of verbs. With --outage that of TelemetryOutage.swift.
# Its exit code is that of the first verb that fails. VMLAB names the program; options for `run` may follow.
set -euo pipefail
vmlab=${VMLAB:-.build/debug/edge-platform}
outage=false
if [ "${1:-}" = --outage ]; then
    outage=true
    shift
fi

# A lab that is booted and has its network; the first line is `run ID`.
run=
trap '[ -z "$run" ] || "$vmlab" down "$run"' EXIT
run=$("$vmlab" run telemetry --until network --keep "$@" | sed -n '1s/^run //p')

if $outage; then
    "$vmlab" wait http "$run" sensor-1 http://10.20.0.1:8080/health --body ok --timeout 3
    exit
fi

"$vmlab" net matrix "$run"

"$vmlab" succeed "$run" collector-1 -- '
    mkdir -p /srv && echo ok >/srv/health && httpd -p 8080 -h /srv
    nc -l -p 7000 >/tmp/reading 2>/dev/null </dev/null &'
"$vmlab" wait port "$run" collector-1 8080
"$vmlab" wait port "$run" collector-1 7000

"$vmlab" wait http "$run" sensor-1 http://10.20.0.1:8080/health --body ok
"$vmlab" succeed "$run" sensor-1 -- 'echo 21.5 >/dev/tcp/10.20.0.1/7000'
"$vmlab" wait-until-succeeds "$run" collector-1 --timeout 10 -- 'grep -qx 21.5 /tmp/reading'
