import { createCipheriv } from 'node:crypto'

/** Bytes without a pattern, the same in every run: AES in counter mode over zeros. */
export function seededBytes(length: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', 'the same always!', Buffer.alloc(16))
  return cipher.update(Buffer.alloc(length))
}
