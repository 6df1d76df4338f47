# The result of a tier (count.jq) after its failed tests ran once more: $again[0] is the result of that. What passed then is flaky.

([$again[0].ran[] | select(.passed) | .id]) as $recovered
| ([.failures[].id] | unique | map(select(IN($recovered[])))) as $flaky
| .flaky = [.failures[] | select(.id | IN($flaky[]))]
| .failures = [.failures[] | select(.id | IN($flaky[]) | not)]
    # What went wrong in the second attempt beside its tests: a process left behind, a broken-off run.
    + [$again[0].failures[] | select(.id | not)]
| .passed += ($flaky | length)
| .failed -= ($flaky | length)
| .failed += ([$again[0].failures[] | select(.id | not)] | length)
| .ran |= map(if .id | IN($flaky[]) then .passed = true else . end)
| .seconds += $again[0].seconds
