/** TCP ports of a node: SMB, and http where it serves a page. The gateway tells the two apart by the port. */
export const smbPort = 445
export const pagePort = 80
