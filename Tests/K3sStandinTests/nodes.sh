# Nodes in network namespaces of one guest, each with a host name and data of its own. Sourced by the tests.
work=/var/tmp/nodes
token=first-secret
url=https://192.168.77.1:6443

make_nodes() {
    mkdir -p $work
    # Several members of etcd would wait for one disk.
    mount -t tmpfs -o size=512m tmpfs $work
    ip link add br77 type bridge
    ip link set br77 up
    for i in 1 2 3; do
        ip netns add n$i
        ip link add v$i type veth peer name eth1 netns n$i
        ip link set v$i master br77 up
        ip -n n$i addr add 192.168.77.$i/24 dev eth1
        ip -n n$i link set eth1 up
        ip -n n$i link set lo up
        mkdir -p $work/n$i/data $work/n$i/etc $work/n$i/modes
    done
    mkdir -p /var/lib/rancher /etc/rancher /etc/k3s-standin
}

# on NODE COMMAND…
on() {
    local node=$1
    shift
    ip netns exec n$node unshare -m -u sh -c "mount --make-rprivate /; mount --bind $work/n$node/data /var/lib/rancher
        mount --bind $work/n$node/etc /etc/rancher; mount --bind $work/n$node/modes /etc/k3s-standin; hostname n$node; exec \"\$@\"" sh "$@"
}

# start NODE OPTION…: a server that goes on; its log and status are in files.
start() {
    local node=$1
    shift
    rm -f $work/n$node/status
    (on $node k3s server --node-ip 192.168.77.$node --token $token "$@" >$work/n$node/log 2>&1 </dev/null; echo $? >$work/n$node/status) >/dev/null 2>&1 &
}

# once NODE COMMAND…: a k3s that is to end; prints its last line that is not etcd's, then its status.
once() {
    local node=$1 status=0
    shift
    on $node timeout 100 "$@" >$work/n$node/log 2>&1 </dev/null || status=$?
    said $node | tail -n 1
    echo "status $status"
}

said() { grep -v -e '^{' -e '^WARNING' $work/n$1/log; }

# until SECONDS TEXT COMMAND…: polls a command until its output has TEXT.
until_said() {
    local limit=$((SECONDS + $1)) text=$2
    shift 2
    until "$@" 2>&1 | grep -qe "$text"; do
        if [ $SECONDS -ge $limit ]; then
            echo "not said: $text"
            "$@" 2>&1 | tail -n 12
            return 1
        fi
        sleep 1
    done
}

# The processes of a node's server, by its host name.
ids() {
    local p
    for p in $(pgrep -x k3s-server); do
        if [ "$(nsenter -t $p -u hostname)" = n$1 ]; then echo $p; fi
    done
}

end() {
    local p
    for p in $(ids $1); do kill -${2:-TERM} $p; done
    while [ -n "$(ids $1)" ]; do sleep 0.3; done
}

forget() { rm -rf $work/n$1/data/* $work/n$1/etc/*; }

modes() { echo "$2" >$work/n$1/modes/modes.json; }

kubectl() { on 1 k3s kubectl "$@"; }
