export interface TreeFile {
  content: string | Uint8Array
  /** 0o644 unless it runs (0o755). Nothing rendered is secret. */
  mode: number
}

/** Rendered files by path relative to the workspace (`generated/...`), with `/` separators. */
export type Tree = ReadonlyMap<string, TreeFile>

/** What render needs beside the deployment; read by load from the package and the secrets. */
export interface RenderInputs {
  /** Per user name: 12 hex digits that change with the password (keyed, so they say nothing about it); absent: no password yet. */
  passwordVersions: Readonly<Record<string, string>>
  /** 12 hex digits that change with the embedded Headscale's certificate and OIDC secret; absent: none to be read here. */
  headscaleFiles?: string
  /** Build contexts by image name, files by path relative to the context. */
  contexts: Readonly<Record<'gateway' | 'samba' | 'headscale' | 'monitor', Tree>>
  /** Templates by file name (`smb.conf.hbs`). */
  templates: Readonly<Record<string, string>>
  /**
   * Hex SHA-256 of texts that an earlier run read back and wrote. The same bytes are not read back again, which is a
   * third of a run with nothing to do for 1,000 users.
   */
  readBack?: ReadonlySet<string>
}
