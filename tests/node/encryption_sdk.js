// The AWS Encryption SDK for JavaScript carries 10 MB through a Cardea key and back, as streams and as one buffer.

'use strict'

const assert = require('node:assert/strict')
const { createHash, randomBytes } = require('node:crypto')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { buildClient, CommitmentPolicy, KmsKeyringNode } = require('@aws-crypto/client-node')
const { CreateKeyCommand, DisableKeyCommand, KMSClient } = require('@aws-sdk/client-kms')

const LENGTH = 10 * 1024 * 1024
const PIECE = 64 * 1024
const CONTEXT = { file: 'payroll', purpose: 'test' }

const { encrypt, encryptStream, decrypt, decryptStream } = buildClient(
  CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
)

async function main() {
  const kms = new KMSClient({})
  const [first, second] = [await newKey(kms), await newKey(kms)]
  const plain = randomBytes(LENGTH)
  const sealed = await throughStreams(new KmsKeyringNode({ generatorKeyId: first, keyIds: [second] }), plain)
  await asOneBuffer(new KmsKeyringNode({ generatorKeyId: first }), plain)
  await withEitherKey(kms, [first, second], sealed, plain)
}

async function newKey(kms) {
  const made = await kms.send(new CreateKeyCommand({ Description: 'Encryption SDK for JavaScript' }))
  return made.KeyMetadata.Arn
}

/** There and back; what it was sealed into. */
async function throughStreams(keyring, plain) {
  const sealed = await collect(pieces(plain), encryptStream(keyring, { encryptionContext: CONTEXT }))
  assert(sealed.length > LENGTH && !sealed.includes(plain.subarray(0, 64)), 'the plaintext is sealed')
  const opening = decryptStream(keyring)
  let context
  opening.once('MessageHeader', (header) => { context = header.encryptionContext })
  assert.equal(digest(await collect(pieces(sealed), opening)), digest(plain))
  holdsContext(context)
  console.log('round trip: streams')
  return sealed
}

async function asOneBuffer(keyring, plain) {
  const { result } = await encrypt(keyring, plain, { encryptionContext: CONTEXT })
  const { plaintext, messageHeader } = await decrypt(keyring, result)
  assert.equal(digest(plaintext), digest(plain))
  holdsContext(messageHeader.encryptionContext)
  console.log('round trip: buffer')
}

/** Each of both keys opens it, unless it is disabled. */
async function withEitherKey(kms, [first, second], sealed, plain) {
  await kms.send(new DisableKeyCommand({ KeyId: first }))
  await assert.rejects(decrypt(new KmsKeyringNode({ keyIds: [first] }), sealed), /is disabled/)
  const { plaintext } = await decrypt(new KmsKeyringNode({ keyIds: [first, second] }), sealed)
  assert.equal(digest(plaintext), digest(plain))
  console.log('round trip: second key')
}

async function collect(source, through) {
  const parts = []
  await pipeline(source, through, async (stream) => {
    for await (const part of stream) parts.push(part)
  })
  return Buffer.concat(parts)
}

function* slices(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

function pieces(bytes) {
  return Readable.from(slices(bytes))
}

function holdsContext(context) {
  for (const [name, value] of Object.entries(CONTEXT)) assert.equal(context[name], value)
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
