/// Lines of kernels, systemd, k3s and tools that have no secret in them and must come through unchanged, most with the words that secrets stand behind.
let ordinaryLines = #"""
    [    0.000000] Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld 2.40)
    [    0.000000] Command line: BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro console=ttyS0,115200n8 systemd.log_level=info net.ifnames=0 quiet
    [    0.004000] Kernel command line: console=ttyS0 root=UUID=6d9f2b1e-7c1b-4f8f-9f5c-0f2f8a1d9b11 ip=10.0.2.15::10.0.2.2:255.255.255.0:a:eth0:off
    [    0.412345] secureboot: Secure boot disabled
    [    0.512345] Key type .fscrypt registered
    [    0.612345] integrity: Loaded X.509 cert 'Debian Secure Boot CA: 6ccece7e4c6c0d1f6149f3dd27dfcc5cbb419ea1'
    [    0.712345] audit: type=2000 audit(1795236120.123:1): state=initialized audit_enabled=0 res=1
    [    1.212345] audit: type=1400 audit(1795236121.1:2): apparmor="STATUS" operation="profile_load" profile="unconfined" name="lsb_release" pid=99
    [    1.500000] random: crng init done
    [    1.600000] pci 0000:00:01.0: [8086:7000] type 00 class 0x060100
    [    2.100000] virtio_net virtio0 eth0: renamed from enp0s3
    [    2.200000] EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.
    [   12.300000] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [kworker/0:1:12]
    [   13.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
    systemd[1]: Started systemd-ask-password-console.path - Dispatch Password Requests to Console Directory Watch.
    systemd[1]: Started systemd-ask-password-wall.path - Forward Password Requests to Wall Directory Watch.
    systemd[1]: Reached target cryptsetup.target - Local Encrypted Volumes.
    [  OK  ] Started dbus.service - D-Bus System Message Bus.
    systemd[1]: systemd-tmpfiles-setup.service: Deactivated successfully.
    systemd-logind[321]: New session 1 of user root.
    sshd[812]: Accepted password for root from 10.0.2.2 port 51234 ssh2
    sshd[813]: Failed password for invalid user admin from 10.0.2.2 port 51236 ssh2
    sshd[814]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.2.2
    passwd[99]: pam_unix(passwd:chauthtok): password changed for root
    passwd: password updated successfully
    passwd: password expiry information changed.
    Password: 
    password: 
    Enter passphrase for key '/root/.ssh/id_ed25519': 
    a login: 
    cloud-init[511]: ci-info: no authorized SSH keys fingerprints found for user debian.
    time="2026-11-21T04:42:00Z" level=info msg="Starting k3s v1.31.2+k3s1 (6da20424)"
    time="2026-11-21T04:42:00Z" level=info msg="Node token is available at /var/lib/rancher/k3s/server/token"
    time="2026-11-21T04:42:00Z" level=info msg="To join server node to cluster: k3s server -s https://10.0.2.15:6443 -t ${SERVER_NODE_TOKEN}"
    time="2026-11-21T04:42:00Z" level=info msg="To join agent node to cluster: k3s agent -s https://10.0.2.15:6443 -t ${AGENT_NODE_TOKEN}"
    time="2026-11-21T04:42:00Z" level=info msg="Password verified locally for node server-1"
    time="2026-11-21T04:42:00Z" level=info msg="certificate CN=server-1 signed by CN=k3s-server-ca@1795236120: notBefore=2026-11-21 04:42:00 +0000 UTC"
    time="2026-11-21T04:42:00Z" level=info msg="Updating TLS secret for kube-system/k3s-serving (count: 11): map[listener.cattle.io/cn-10.0.2.15:10.0.2.15]"
    time="2026-11-21T04:42:00Z" level=info msg="Active TLS secret kube-system/k3s-serving (ver=264) (count 11)"
    time="2026-11-21T04:42:00Z" level=error msg="Unable to read /var/lib/rancher/k3s/server/token: no such file or directory"
    time="2026-11-21T04:42:00Z" level=fatal msg="failed to validate token: token CA hash does not match the Cluster CA certificate hash"
    time="2026-11-21T04:42:00Z" level=warning msg="Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. Use the full token."
    time="2026-11-21T04:42:00Z" level=info msg="Running kube-apiserver --advertise-port=6443 --allow-privileged=true --anonymous-auth=false --enable-bootstrap-token-auth=true --service-account-key-file=/var/lib/rancher/k3s/server/tls/service.key --token-auth-file=/x"
    time="2026-11-21T04:42:00Z" level=error msg="failed to get CA certs: Get \"https://127.0.0.1:6444/cacerts\": EOF"
    error: --server is required when --token is set
    open /var/lib/rancher/k3s/server/node-token: permission denied
    --token value, -t value   (cluster) Shared secret used to join a server or agent to a cluster [$K3S_TOKEN]
    --token-file value        (cluster) File containing the token [$K3S_TOKEN_FILE]
    E1121 04:42:00.123456    1234 authentication.go:73] "Unable to authenticate the request" err="[invalid bearer token, Token has been invalidated]"
    I1121 04:42:00.123456    1234 controller.go:615] "Starting token-cleaner controller"
    I1121 04:42:00.123456    1234 shared_informer.go:320] Caches are synced for bootstrap_signer and token_cleaner
    I1121 04:42:00.123456    1234 reflector.go:368] Caches populated for *v1.Secret from k8s.io/client-go/informers/factory.go:160
    E1121 04:42:00.123456    1234 kubelet.go:99] "Couldn't get secret" secret="kube-system/k3s-serving" err="secret \"k3s-serving\" not found"
    I1121 04:42:00.123456    1234 operation_generator.go:722] MountVolume.SetUp succeeded for volume "kube-api-access-x7k2p" (UniqueName: "kubernetes.io/projected/6d9f2b1e-7c1b-4f8f-9f5c-0f2f8a1d9b11-kube-api-access-x7k2p")
    W1121 04:42:00.123456    1234 dispatcher.go:217] Failed calling webhook: secrets "webhook-token-secret" is forbidden: User "system:serviceaccount:kube-system:traefik" cannot get resource "secrets"
    {"level":"info","ts":"2026-11-21T04:42:00.123Z","caller":"embed/etcd.go:310","msg":"starting an etcd server","initial-cluster":"a=https://10.0.2.15:2380","initial-cluster-token":"etcd-cluster","auth-token":"simple","quota-backend-bytes":2147483648}
    {"level":"warn","ts":"2026-11-21T04:42:00.123Z","msg":"auth: JWT token is not configured","remote-addr":"10.0.2.15:51234"}
    imagePullSecrets: [regcred]
    secretName: k3s-serving
    {"auths": {"registry.example": {}}, "automountServiceAccountToken": false, "token": null, "passwordRequired": true}
    clone from https://github.com/org/repo@v1.2.3 and git@github.com:org/repo.git
    fetching http://deb.debian.org/debian/dists/bookworm/InRelease?x=a@b by http://[::1]:3142/ for root@host
    -----BEGIN CERTIFICATE-----
    MIIBdjCCAR2gAwIBAgIBADAKBggqhkjOPQQDAjAjMSEwHwYDVQQDDBhrM3Mtc2Vy
    -----END CERTIFICATE-----
    the AKIA prefix, ghp_ and glpat- mark tokens; eyJ begins a web token; K10 is k3s' own
    secure tokens, secret sauce, passwords of all kinds; the password is needed to unlock the token
    if [ "$token" == "" ]; then echo "no token"; fi
    let password := prompt(); token::Parser; secret != nil
    """#
