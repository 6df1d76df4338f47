import Foundation
import LabEvents
import QEMU
import Testing

@testable import VMLab

@Suite(.tier(.unit)) struct PlanRenderingTests {
    private static let text = """
        scenario pair, seed 7
        2 nodes × (1 vCPU, 128 MiB) on 2 CPUs, tcg, pace 1.8

        node  image  boot    vCPUs  memory   interface  MAC                port       carries  address
        a     mini   direct  1      128 MiB  eth0       52:54:00:ae:3b:bd  user
                                             eth1       52:54:00:38:ab:1f  lan 1      plain    192.168.1.1/24
        b     mini   uefi    1      128 MiB  eth0       52:54:00:bb:26:98  user
                                             eth1       52:54:00:5d:a3:d0  lan 2      plain    192.168.1.2/24
                                             eth2       52:54:00:34:26:f2  storage 1  plain

        segment  ports  VLANs
        lan      2      plain
        storage  1      plain

        digest 7943623ed65be60dc61ecf4bd5ac2bc0d6756e6a3110ba9f0557b11e92cfe8ae

        """

    private static let reasons = """
        accelerator: tcg (TCG was asked for)
        pace: 1.8 (the host is 1.8 times as slow as the reference; time limits are multiplied by it)
        CPUs: 2 (this process may run on 2)
        vCPUs of a: 1 (image mini wants 1)
        vCPUs of b: 1 (image mini wants 1)
        boots at a time: 2 (under TCG a booting guest keeps a CPU busy, and there are 2 CPUs)
        memory: fits (448 MiB needed with 96 MiB for each QEMU, 6000 MiB available)
        RAM files: /dev/shm (/dev/shm has 32768 MiB free and the guests need 256 MiB)
        disk: 400 MiB (200 MiB for each node's disk and logs; 100000 MiB free)
        """

    private static let arguments = """
        b: qemu-system-x86_64
            -nodefaults
            -no-user-config
            -display none
            -name guest=b,debug-threads=on
            -uuid b6dbacc9-cdff-8ed9-999e-43258c279ab0
            -accel tcg,thread=multi
            -cpu max
            -smp 1
            -m 128M
            -object memory-backend-file,id=ram,size=128M,share=on,mem-path=$RAM/b
            -machine q35,memory-backend=ram,vmport=off,pflash0=firmware-code,pflash1=firmware-variables
            -rtc base=utc
            -device vmgenid,id=vmgenid,guid=b6dbacc9-cdff-8ed9-999e-43258c279ab0
            -device pvpanic,id=pvpanic
            -object rng-random,id=entropy,filename=/dev/urandom
            -device virtio-rng-pci,id=rng,rng=entropy,addr=0x1
            -blockdev driver=raw,node-name=firmware-code,read-only=on,file.driver=file,file.filename=$FIRMWARE
            -blockdev driver=raw,node-name=firmware-variables,read-only=off,file.driver=file,file.filename=$RUN/nodes/b/uefi-variables.fd
            -blockdev driver=file,node-name=disk0-file,filename=$RUN/nodes/b/disk0.qcow2,read-only=off,auto-read-only=off,discard=unmap,cache.no-flush=on
            -blockdev driver=qcow2,node-name=disk0,file=disk0-file,read-only=off,discard=unmap,cache.no-flush=on
            -device virtio-blk-pci,id=vd0,drive=disk0,addr=0x12,bootindex=0
            -netdev user,id=net0,restrict=on
            -device virtio-net-pci,id=nic0,netdev=net0,mac=52:54:00:bb:26:98,addr=0x2,romfile=
            -netdev vde,id=net1,sock=$SOCKETS/s0,port=2
            -device virtio-net-pci,id=nic1,netdev=net1,mac=52:54:00:5d:a3:d0,addr=0x3,romfile=
            -netdev vde,id=net2,sock=$SOCKETS/s1,port=1
            -device virtio-net-pci,id=nic2,netdev=net2,mac=52:54:00:34:26:f2,addr=0x4,romfile=
            -chardev socket,id=serial0,path=$SOCKETS/n1/serial-1.sock,server=on,wait=off,logfile=$SOCKETS/n1/serial-1.log,logappend=on
            -device isa-serial,id=ttyS0,chardev=serial0
            -device virtio-serial-pci,id=serial-bus0,addr=0x1a,max_ports=12
            -device virtio-serial-pci,id=serial-bus1,addr=0x1b,max_ports=12
            -device virtio-serial-pci,id=serial-bus2,addr=0x1c,max_ports=12
            -chardev socket,id=chardev-hvc0,path=$SOCKETS/n1/hvc0,server=on,wait=off
            -device virtconsole,id=channel-hvc0,bus=serial-bus0.0,nr=0,chardev=chardev-hvc0
            -chardev socket,id=chardev-hvc1,path=$SOCKETS/n1/hvc1,server=on,wait=off
            -device virtconsole,id=channel-hvc1,bus=serial-bus0.0,nr=1,chardev=chardev-hvc1
            -chardev socket,id=chardev-org.qemu.guest_agent.0,path=$SOCKETS/n1/agent,server=on,wait=off
            -device virtserialport,id=channel-org.qemu.guest_agent.0,bus=serial-bus0.0,nr=2,chardev=chardev-org.qemu.guest_agent.0,name=org.qemu.guest_agent.0
            -chardev socket,id=qmp,path=$SOCKETS/n1/qmp,server=on,wait=off
            -mon chardev=qmp,mode=control
            -S
            -boot strict=on
            -action panic=pause,reboot=reset,shutdown=poweroff
            -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
        """

    private static let json = """
        {
          "accelerator" : "tcg",
          "digest" : "7943623ed65be60dc61ecf4bd5ac2bc0d6756e6a3110ba9f0557b11e92cfe8ae",
          "host" : {
            "accelerator" : "tcg",
            "acceleratorReason" : "TCG was asked for",
            "diskFreeMiB" : 100000,
            "kernel" : "6.1.0",
            "logicalCPUs" : 2,
            "memoryAvailableMiB" : 6000,
            "memoryTotalMiB" : 8000,
            "pace" : 1.8,
            "sharedMemoryFreeMiB" : 32768,
            "system" : "Debian GNU/Linux 12 (bookworm)"
          },
          "network" : {
            "impairments" : [

            ],
            "networks" : [
              {
                "ipv4" : "192.168.1.0/24",
                "name" : "lan"
              }
            ],
            "nodes" : [
              {
                "host" : 1,
                "links" : [
                  {
                    "addresses" : [
                      "192.168.1.1/24"
                    ],
                    "dhcp" : false,
                    "kind" : {
                      "card" : {
                        "port" : {
                          "number" : 1,
                          "segment" : "lan"
                        },
                        "vlans" : {
                          "tagged" : [

                          ],
                          "untagged" : 0
                        }
                      }
                    },
                    "mac" : "52:54:00:38:ab:1f",
                    "mtu" : 1500,
                    "name" : "eth1",
                    "network" : "lan"
                  }
                ],
                "name" : "a",
                "role" : "node"
              },
              {
                "host" : 2,
                "links" : [
                  {
                    "addresses" : [
                      "192.168.1.2/24"
                    ],
                    "dhcp" : false,
                    "kind" : {
                      "card" : {
                        "port" : {
                          "number" : 2,
                          "segment" : "lan"
                        },
                        "vlans" : {
                          "tagged" : [

                          ],
                          "untagged" : 0
                        }
                      }
                    },
                    "mac" : "52:54:00:5d:a3:d0",
                    "mtu" : 1500,
                    "name" : "eth1",
                    "network" : "lan"
                  },
                  {
                    "addresses" : [

                    ],
                    "dhcp" : false,
                    "kind" : {
                      "card" : {
                        "port" : {
                          "number" : 1,
                          "segment" : "storage"
                        },
                        "vlans" : {
                          "tagged" : [

                          ],
                          "untagged" : 0
                        }
                      }
                    },
                    "mac" : "52:54:00:34:26:f2",
                    "mtu" : 1500,
                    "name" : "eth2"
                  }
                ],
                "name" : "b",
                "role" : "node"
              }
            ],
            "profile" : "pair",
            "segments" : [
              {
                "index" : 0,
                "name" : "lan",
                "ports" : [
                  {
                    "number" : 1,
                    "peer" : {
                      "nic" : {
                        "interface" : "eth1",
                        "node" : "a"
                      }
                    },
                    "vlans" : {
                      "tagged" : [

                      ],
                      "untagged" : 0
                    }
                  },
                  {
                    "number" : 2,
                    "peer" : {
                      "nic" : {
                        "interface" : "eth1",
                        "node" : "b"
                      }
                    },
                    "vlans" : {
                      "tagged" : [

                      ],
                      "untagged" : 0
                    }
                  }
                ]
              },
              {
                "index" : 1,
                "name" : "storage",
                "ports" : [
                  {
                    "number" : 1,
                    "peer" : {
                      "nic" : {
                        "interface" : "eth2",
                        "node" : "b"
                      }
                    },
                    "vlans" : {
                      "tagged" : [

                      ],
                      "untagged" : 0
                    }
                  }
                ]
              }
            ],
            "trunks" : [

            ]
          },
          "nodes" : [
            {
              "accelerator" : "tcg",
              "arguments" : [

              ],
              "bootMode" : "direct",
              "image" : {
                "bootModes" : [
                  "direct",
                  "bios",
                  "uefi"
                ],
                "commandLine" : "console=ttyS0 net.ifnames=0",
                "consoles" : {
                  "backdoor" : "hvc0",
                  "login" : {
                    "device" : "ttyS0",
                    "user" : "root"
                  }
                },
                "defaultMemoryMiB" : 256,
                "defaultVCPUs" : 1,
                "isCached" : false,
                "key" : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "name" : "mini"
              },
              "index" : 0,
              "interfaces" : [
                {
                  "joints" : [

                  ],
                  "mac" : "52:54:00:ae:3b:bd",
                  "name" : "eth0"
                },
                {
                  "joints" : [

                  ],
                  "mac" : "52:54:00:38:ab:1f",
                  "name" : "eth1",
                  "port" : {
                    "number" : 1,
                    "segment" : "lan",
                    "segmentIndex" : 0
                  }
                }
              ],
              "memoryMiB" : 128,
              "name" : "a",
              "uuid" : "CCBA2C83-2652-8220-B146-37B4CB501797",
              "vcpus" : 1
            },
            {
              "accelerator" : "tcg",
              "arguments" : [

              ],
              "bootMode" : "uefi",
              "image" : {
                "bootModes" : [
                  "direct",
                  "bios",
                  "uefi"
                ],
                "commandLine" : "console=ttyS0 net.ifnames=0",
                "consoles" : {
                  "backdoor" : "hvc0",
                  "login" : {
                    "device" : "ttyS0",
                    "user" : "root"
                  }
                },
                "defaultMemoryMiB" : 256,
                "defaultVCPUs" : 1,
                "isCached" : false,
                "key" : "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "name" : "mini"
              },
              "index" : 1,
              "interfaces" : [
                {
                  "joints" : [

                  ],
                  "mac" : "52:54:00:bb:26:98",
                  "name" : "eth0"
                },
                {
                  "joints" : [

                  ],
                  "mac" : "52:54:00:5d:a3:d0",
                  "name" : "eth1",
                  "port" : {
                    "number" : 2,
                    "segment" : "lan",
                    "segmentIndex" : 0
                  }
                },
                {
                  "joints" : [

                  ],
                  "mac" : "52:54:00:34:26:f2",
                  "name" : "eth2",
                  "port" : {
                    "number" : 1,
                    "segment" : "storage",
                    "segmentIndex" : 1
                  }
                }
              ],
              "memoryMiB" : 128,
              "name" : "b",
              "uuid" : "B6DBACC9-CDFF-8ED9-999E-43258C279AB0",
              "vcpus" : 1
            }
          ],
          "resources" : {
            "concurrentBoots" : 2,
            "decisions" : [
              {
                "reason" : "TCG was asked for",
                "subject" : "accelerator",
                "value" : "tcg"
              },
              {
                "reason" : "the host is 1.8 times as slow as the reference; time limits are multiplied by it",
                "subject" : "pace",
                "value" : "1.8"
              },
              {
                "reason" : "this process may run on 2",
                "subject" : "CPUs",
                "value" : "2"
              },
              {
                "reason" : "image mini wants 1",
                "subject" : "vCPUs of a",
                "value" : "1"
              },
              {
                "reason" : "image mini wants 1",
                "subject" : "vCPUs of b",
                "value" : "1"
              },
              {
                "reason" : "under TCG a booting guest keeps a CPU busy, and there are 2 CPUs",
                "subject" : "boots at a time",
                "value" : "2"
              },
              {
                "reason" : "448 MiB needed with 96 MiB for each QEMU, 6000 MiB available",
                "subject" : "memory",
                "value" : "fits"
              },
              {
                "reason" : "/dev/shm has 32768 MiB free and the guests need 256 MiB",
                "subject" : "RAM files",
                "value" : "/dev/shm"
              },
              {
                "reason" : "200 MiB for each node's disk and logs; 100000 MiB free",
                "subject" : "disk",
                "value" : "400 MiB"
              }
            ],
            "nodes" : [
              {
                "memoryMiB" : 128,
                "node" : "a",
                "vcpus" : 1
              },
              {
                "memoryMiB" : 128,
                "node" : "b",
                "vcpus" : 1
              }
            ],
            "ram" : "sharedMemory",
            "summary" : "2 nodes × (1 vCPU, 128 MiB) on 2 CPUs, tcg, pace 1.8",
            "waitsForMemory" : false,
            "warnings" : [

            ]
          },
          "scenario" : "pair",
          "seed" : 7
        }

        """

    @Test func `a plan for people`() throws {
        #expect(try PlanFixtures.pairPlan().description == Self.text)
    }

    @Test func `with reasons`() throws {
        let plan = try PlanFixtures.pairPlan().description(explain: true, verbose: false)
        #expect(plan == Self.text.replacing("digest", with: Self.reasons + "\n\ndigest"))
    }

    @Test func `warnings are shown unasked`() throws {
        let plan = try PlanFixtures.pairPlan(PlanFixtures.host(1))
        #expect(plan.description.contains("\nwarning: oversubscription: 2.0 (each node has at least 1 vCPU"))
        #expect(!plan.description.contains("accelerator: "))
    }

    @Test func `with arguments, but for the ports of the shells`() throws {
        let lines = try PlanFixtures.pairPlan().description(explain: false, verbose: true).split(separator: "\n")
            .drop { !$0.hasPrefix("b: ") }.filter { !$0.contains("vmlab.") && !$0.contains("digest") }
        #expect(lines.joined(separator: "\n") == Self.arguments)
    }

    @Test func `as JSON, here without arguments`() throws {
        var plan = try PlanFixtures.pairPlan()
        for index in plan.nodes.indices { plan.nodes[index].arguments = [] }
        let text = try plan.json()
        #expect(text == Self.json)
    }

    @Test func `a plan survives JSON`() throws {
        let plan = try PlanFixtures.pairPlan()
        #expect(try JSONDecoder().decode(LabPlan.self, from: Data(plan.json().utf8)) == plan)
    }

    @Test func `a number that JSON lacks is a problem`() throws {
        var plan = try PlanFixtures.pairPlan()
        plan.host.pace = .infinity
        #expect(throws: Problem.self) { try plan.json() }
    }
}
