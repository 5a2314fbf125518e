import { closeSync, openSync, writeSync } from 'node:fs'

/** An entry of an archive. `path` is relative to the guest's root, without a leading slash. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: Uint8Array; readonly executable: boolean }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }

const directoryMode = 0o040755
const fileMode = 0o100644
const executableMode = 0o100755
const symlinkMode = 0o120777

/**
 * Writes an archive in the `newc` form, which the kernel unpacks as its initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Missing parent directories are added.
 */
export function writeCpio(file: string, entries: Iterable<CpioEntry>): void {
  const descriptor = openSync(file, 'w')
  try {
    const made = new Set<string>()
    let inode = 1
    const write = (path: string, mode: number, content: Uint8Array): void => {
      writeSync(descriptor, header(inode++, path, mode, content.length))
      writeAll(descriptor, content)
      writeSync(descriptor, padding(content.length))
    }
    const makeDirectory = (path: string): void => {
      if (path === '' || made.has(path)) return
      makeDirectory(parentOf(path))
      made.add(path)
      write(path, directoryMode, empty)
    }
    for (const entry of entries) {
      makeDirectory(entry.kind === 'directory' ? entry.path : parentOf(entry.path))
      if (entry.kind === 'file') write(entry.path, entry.executable ? executableMode : fileMode, entry.content)
      else if (entry.kind === 'symlink') write(entry.path, symlinkMode, Buffer.from(entry.target))
    }
    write('TRAILER!!!', 0, empty)
  } finally {
    closeSync(descriptor)
  }
}

const empty = new Uint8Array(0)

/** Magic and 13 fields of eight hex digits, then the name with its NUL, padded to four bytes. */
function header(inode: number, path: string, mode: number, size: number): Buffer {
  const name = Buffer.from(`${path}\0`)
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length, 0]
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return Buffer.concat([Buffer.from(text), name, padding(text.length + name.length)])
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4)
}

function writeAll(descriptor: number, content: Uint8Array): void {
  let written = 0
  while (written < content.length) written += writeSync(descriptor, content, written)
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? '' : path.slice(0, slash)
}
