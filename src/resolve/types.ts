import type { ChannelKind, MailTls } from '../config/rules.ts'
import type { Config } from '../config/schema.ts'
import type { HostPolicy, Policy } from '../monitor/rules/policy.ts'
import type { VerifySettings } from '../monitor/settings.ts'

/** What can be reached on a node; later kinds (sftp, borg, restic) are further keys. */
export interface LockedDestinations {
  timemachine: { ip: string }
}

export interface LockedUser {
  name: string
  /** The name that secrets, node and storage may still have: a rename has begun, and nobody is served until it is done. */
  formerly?: string | undefined
  uid: number
  /** The data was there before tmgen, and the UID is that of its files; absent: no. */
  imported?: true | undefined
  destinations: LockedDestinations
}

export interface LockedNode {
  /** User id that owns it, or `dashboard`. */
  owner: string
  hostname: string
  udpPort: number
  /** The node is amid a change of its key: it has no route until that is done. */
  rekeying?: true | undefined
  /** How often the gateway was told to forget which account each login belongs to; absent: never. */
  pinEpoch?: number | undefined
}

/** tmgen.lock.json: allocations only. Ids (`u1`, `n1`) never change; a user gone from tmgen.yaml keeps its entry, so its numbers stay reserved. */
export interface Lock {
  version: 1
  /** Version of the tmgen that wrote it last; absent: one before 0.1.0's release, which did not say. */
  tmgen?: string | undefined
  /** Random id, 16 hex digits, set once. */
  workspace: string
  /** Counts every change of the lock. */
  serial: number
  /** Next numbers to deal; never go back. */
  next: { user: number; node: number; uid: number }
  nodes: Record<string, LockedNode>
  users: Record<string, LockedUser>
}

export interface DeployedMac {
  name: string
  /** Bytes. */
  quotaBytes: number
  /** As Samba takes it: digits and one of K, M, G, T, P. */
  quota: string
}

/** A node in the tailnet that the gateway hosts, whatever is behind it. */
export interface DeployedNode {
  /** Of its owner: a user's id, or `dashboard`. */
  id: string
  nodeId: string
  /** In the gateway, and of its key file and state: the user's name, or `dashboard`. */
  name: string
  hostname: string
  udpPort: number
  /** See LockedNode; 0: never. */
  pinEpoch: number
  /** Tag of the node: `tag:tm-NAME`. */
  tag: string
  /** TCP ports that it serves. */
  ports: readonly number[]
  /** Who may connect: logins and tags, as written in the config. */
  allow: string[]
  logins: string[]
  tags: string[]
  /** Served: switched on in tmgen.yaml, and not amid a rename. */
  enabled: boolean
  /** See LockedNode. */
  rekeying?: true | undefined
}

/** A person: a node, and the shares behind it. */
export interface DeployedUser extends DeployedNode {
  uid: number
  /** See LockedUser. */
  imported: boolean
  ip: string
  /** See LockedUser. */
  formerly?: string | undefined
  /** Absolute path of the user's storage folder on the Docker host. */
  storage: string
  macs: DeployedMac[]
  /** When something counts as wrong. */
  watch: Policy
  /** How this person is told of it. */
  tell: Telling
  /** TCP ports that the node serves. */
  ports: readonly number[]
}

/** Ways in which one person is told of their own Macs. */
export interface Telling {
  /** Sorted. */
  alerts: readonly ChannelKind[]
  /** The person's mail address; null: none. */
  mail: string | null
  /** A watch off the host is told that this person's Macs are backed up. */
  ping: boolean
}

/** The server that takes mail, and the operator's addresses. */
export interface MailServer {
  host: string
  port: number
  tls: MailTls
  /** null: it takes mail without one. */
  account: string | null
  from: string
  to: readonly string[]
}

/** Everything that render needs, every default filled in. */
export interface Deployment {
  workspace: { id: string; name: string }
  host: 'local' | 'remote'
  control: Config['control']
  /** URL the gateway's nodes register with. */
  controlUrl: string
  network: {
    subnet: string
    /** The bridge's own address (.1). */
    bridgeIp: string
    gatewayIp: string
    /** CIDR that Docker deals dynamic addresses from. */
    dynamicRange: string
    ipv6: boolean
    /** First and last UDP port to publish: whole blocks of 32. */
    udp: { from: number; to: number }
  }
  /** Soft limit in bytes. */
  gatewayMemory: number
  storageRoot: string
  images: Config['images']
  monitor: {
    policy: HostPolicy
    /** null: nothing is read back by itself. */
    verify: VerifySettings | null
    /** How the operator is told; sorted. */
    alerts: readonly ChannelKind[]
    /** null: nobody is told by mail. */
    mail: MailServer | null
    /** A watch off the host is told that the monitor looks. */
    ping: boolean
  }
  /** Ordered as in tmgen.yaml. */
  users: DeployedUser[]
  /** The node with the operators' page; absent: none. */
  dashboard?: DeployedNode | undefined
  /** Names of users that are in the lock and no longer in tmgen.yaml. */
  retired: string[]
  /** Quotas may be larger than their disk. */
  overcommit: boolean
}
