# The event stream of one run of Swift Testing, counted. A test function is one test however many cases it has: it failed when one case did.
# A stream that breaks off (a crash) counts what was under way as failed and what was not begun as skipped. $tiers has each test's tier by its
# identifier, as far as it is known.

def place: (.sourceLocation // {}) | ((.filePath // ._filePath // "?") | ltrimstr($root)) + ":" + ((.line // 0) | tostring);
def text: [.messages[]?.text] | join(" ") | gsub("\\s+"; " ");
def ids: map({key: (.testID // ""), value: true}) | from_entries;

[inputs | fromjson?] as $records
| [$records[] | select(.kind == "test" and .payload.kind == "function") | .payload] as $tests
| [$records[] | select(.kind == "event") | .payload] as $events
| ([$events[] | select(.kind == "testStarted")] | ids) as $started
| ([$events[] | select(.kind == "testEnded")] | ids) as $ended
| ([$events[] | select(.kind == "testSkipped")] | map({key: .testID, value: text}) | from_entries) as $skipped
| [$events[] | select(.kind == "issueRecorded" and (.issue | if has("isFailure") then .isFailure else .isKnown | not end))] as $issues
| ($issues | map({key: (.testID // ""), value: true}) | from_entries) as $failing
| ($tests | map({key: .id, value: (.displayName // .name)}) | from_entries) as $names
| [$tests[] | . + {
    skip: ($skipped[.id] // null),
    state: (
        if $failing[.id] then "failed"
        elif $skipped[.id] | . != null and test("not selected: tier ") then "notSelected"
        elif $skipped[.id] then "skipped"
        elif $ended[.id] then "passed"
        elif $started[.id] then "cut"
        elif ($tiers[.id] // $tier) != $tier then "notSelected"
        else "notBegun" end)
  }] as $results
| def named($state): [$results[] | select(.state == $state)];
  [named("cut")[] | {where: place, test: (.displayName // .name), text: "the test process ended in it, with status \($status)"}] as $cut
| [$issues[] | {id: .testID, where: (.issue | place), test: ($names[.testID // ""] // .testID // "outside of every test"), text: text}] as $recorded
| [$issues[] | select($names[.testID // ""] | not)] as $outside
| (if $left then [{where: $name, test: "", text: "processes were left behind: .build/ci/\($name).left"}] else [] end) as $stray
| ((named("failed") + $cut + $outside + $stray) | length) as $failed
| (if $status != 0 and $failed == 0 then [{where: $name, test: "", text: "the test process ended with status \($status): .build/ci/\($name).log"}] else [] end) as $died
| {
    name: $name,
    passed: (named("passed") | length),
    failed: ($failed + ($died | length)),
    skipped: ((named("skipped") + named("notBegun")) | length),
    # Tests of other tiers are no part of this run; by their tiers.
    notSelected: (named("notSelected") | map({key: .id, value: ($tiers[.id] // (.skip | capture("not selected: tier (?<tier>\\w+)").tier))})
        | from_entries),
    ran: [named("passed")[], named("failed")[] | {id, where: place, test: (.displayName // .name), passed: (.state == "passed")}],
    flaky: [],
    seconds: $seconds,
    failures: ($recorded + $cut + $stray + $died),
    skips: [
        (named("skipped")[] | {where: place, test: (.displayName // .name), text: (.skip | sub("^.* skipped: "; ""))}),
        (named("notBegun")[] | {where: place, test: (.displayName // .name), text: "not begun: the test process had ended"})
    ]
  }
