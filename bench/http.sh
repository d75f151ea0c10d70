#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The bare HTTP layer beside nginx: bench/http.sh PATH-OF-HTTP_BENCH [SECONDS [ROUNDS]]
# One nginx worker and http_bench take turns on the same core, wrk runs on another. Each line gives
# requests per second (min, median, max of the rounds), CPU per request of the server by
# /proc/PID/stat, and the ratio of the medians to nginx answering a constant of the same size.
set -eu
bench=$1
seconds=${2:-2}
rounds=${3:-3}
connections=32
cores=$(nproc)
ticks=$(getconf CLK_TCK)
work=$(mktemp -d)
on_server= on_wrk=
if [ "$cores" -gt 1 ]; then on_server="taskset -c 0" on_wrk="taskset -c 1"; fi

$on_server "$bench" 0 >"$work/bench.out" &
bench_pid=$!
nginx_pid=
finish() {
    kill "$bench_pid" 2>/dev/null || true
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
while ! [ -s "$work/bench.out" ]; do sleep 0.05; done
read -r port bytes <"$work/bench.out"

# A port that was free a moment ago.
nginx_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
body='{"GSW_USER_EVENT":"RecordProcessedAcknowledge","GSW_RECORD_HANDLE":100000,"GSW_CAMPAIGN_NAME":"Spring","GSW_CALLING_LIST":"SpringList"}'
[ "${#body}" = "$bytes" ] || { echo "nginx would answer ${#body} bytes, http_bench $bytes" >&2; exit 1; }
cat >"$work/nginx.conf" <<END
daemon off; master_process off; pid $work/nginx.pid; error_log $work/error.log;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 100000000; client_body_temp_path $work/a; proxy_temp_path $work/b;
    fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
    default_type "application/json; charset=utf-8";
    server { listen 127.0.0.1:$nginx_port; location / { return 200 '$body'; } }
}
END
$on_server nginx -c "$work/nginx.conf" &
nginx_pid=$!
sleep 0.5
cat >"$work/post.lua" <<END
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"GSW_AGENT_ID":"5001","GSW_CAMPAIGN_NAME":"Spring","GSW_CALL_RESULT":33,"GSW_DISPOSITION_CODE":"SALE","Other1":"wants price list"}'
END

cpu_ticks() { # of one process, user and system
    sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}
# measure NAME PID URL [SCRIPT]: adds a line "requests/s microseconds-of-cpu" to the name's file
measure() {
    before=$(cpu_ticks "$2")
    $on_wrk wrk -t1 -c$connections -d"${seconds}s" ${4:+-s "$4"} "$3" >"$work/wrk.out"
    after=$(cpu_ticks "$2")
    if grep -q 'Non-2xx\|Socket errors' "$work/wrk.out"; then cat "$work/wrk.out" >&2; exit 1; fi
    awk -v ticks="$((after - before))" -v hz="$ticks" '
        /requests in/ { count = $1 } /Requests\/sec/ { rate = $2 }
        END { printf "%.0f %.2f\n", rate, ticks / hz * 1000000 / count }' "$work/wrk.out" >>"$work/$1"
}
for round in $(seq "$rounds"); do
    measure nginx "$nginx_pid" "http://127.0.0.1:$nginx_port/constant"
    measure constant "$bench_pid" "http://127.0.0.1:$port/constant"
    measure json "$bench_pid" "http://127.0.0.1:$port/json"
    measure post "$bench_pid" "http://127.0.0.1:$port/json" "$work/post.lua"
done

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
report() { # NAME WORDS
    cut -d' ' -f1 "$work/$1" | sort -n >"$work/rates"
    rate=$(median <"$work/rates")
    cpu=$(cut -d' ' -f2 "$work/$1" | median)
    [ "$1" != nginx ] || { nginx_rate=$rate nginx_cpu=$cpu; }
    awk -v rate="$rate" -v cpu="$cpu" -v n="$nginx_rate" -v c="$nginx_cpu" -v words="$2" \
        -v low="$(head -1 "$work/rates")" -v high="$(tail -1 "$work/rates")" 'BEGIN {
        printf "%-46s %7d %7d %7d req/s  %6.2f us CPU/req  %5.1f %% of nginx (by CPU %5.1f %%)\n",
            words, low, rate, high, cpu, rate / n * 100, c / cpu * 100 }'
}
echo "HTTP layer: $bytes bytes of payload, $connections connections, server on 1 of $cores cores, $rounds rounds of $seconds s (min median max)"
report nginx "nginx, a constant"
report constant "ours, the same constant"
report json "ours, JSON written (aim 45 %)"
report post "ours, JSON read and written"
