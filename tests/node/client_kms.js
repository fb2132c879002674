// The AWS SDK for JavaScript calls Cardea, and the crypto of Node.js agrees with what it is answered.

'use strict'

const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { KMS, paginateListAliases, NotFoundException, KMSInvalidSignatureException } = require('@aws-sdk/client-kms')

const kms = new KMS({})
const MESSAGE = Buffer.from('Cardea keeps the hinges of the doors')
const CONTEXT = { purpose: 'test', stage: 'π' }

const TESTS = {
  async 'a ciphertext is opened with its context only'() {
    const { Arn } = await newKey({ Tags: [{ TagKey: 'team', TagValue: 'pay' }] })
    const { CiphertextBlob } = await kms.encrypt({ KeyId: Arn, Plaintext: MESSAGE, EncryptionContext: CONTEXT })
    const { Plaintext, KeyId } = await kms.decrypt({ CiphertextBlob, EncryptionContext: CONTEXT })
    assert.deepEqual([Buffer.from(Plaintext), KeyId], [MESSAGE, Arn])
    await assert.rejects(kms.decrypt({ CiphertextBlob }), { name: 'InvalidCiphertextException' })
  },

  async 'aliases are found over pages'() {
    const { KeyId } = await newKey()
    const names = ['a', 'b', 'c'].map((name) => `alias/${name}-${crypto.randomUUID()}`)
    for (const AliasName of names) await kms.createAlias({ AliasName, TargetKeyId: KeyId })
    const found = []
    for await (const page of paginateListAliases({ client: kms, pageSize: 2 }, { KeyId })) found.push(...page.Aliases)
    assert.deepEqual(found.map(({ AliasName }) => AliasName).sort(), names.sort())
  },

  async 'an error is of the class that the model has for it'() {
    const nowhere = '00000000-0000-4000-8000-000000000000'
    await assert.rejects(kms.describeKey({ KeyId: nowhere }), (error) => {
      assert(error instanceof NotFoundException && error.message.includes(nowhere), error)
      assert.equal(error.$metadata.httpStatusCode, 400)
      assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/)
      return true
    })
  },

  async 'signatures verify outside'() {
    const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = crypto.constants
    const pkcs1 = { padding: RSA_PKCS1_PADDING }
    const pss = { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST }
    const rows = [
      ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 'sha256', pkcs1],
      ['RSA_2048', 'RSASSA_PSS_SHA_512', 'sha512', pss],
      ['ECC_NIST_P384', 'ECDSA_SHA_384', 'sha384', {}],
      ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'sha256', {}],
      ['ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', null, {}],
      ['ML_DSA_44', 'ML_DSA_SHAKE_256', null, {}],
      ['ML_DSA_65', 'ML_DSA_SHAKE_256', null, {}],
      ['ML_DSA_87', 'ML_DSA_SHAKE_256', null, {}],
    ]
    for (const [KeySpec, SigningAlgorithm, digest, options] of rows) {
      const { KeyId } = await newKey({ KeySpec, KeyUsage: 'SIGN_VERIFY' })
      const { Signature } = await kms.sign({ KeyId, Message: MESSAGE, SigningAlgorithm })
      const key = await publicKey(KeyId)
      assert(crypto.verify(digest, MESSAGE, { key, ...options }, Signature), `${KeySpec} ${SigningAlgorithm}`)
      const signed = { KeyId, Signature, SigningAlgorithm }
      assert.equal((await kms.verify({ ...signed, Message: MESSAGE })).SignatureValid, true)
      await assert.rejects(kms.verify({ ...signed, Message: Buffer.from('another') }), KMSInvalidSignatureException)
    }
  },

  async 'what is encrypted outside under a public key is opened here'() {
    const { KeyId } = await newKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
    const oaep = { padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
    const blob = crypto.publicEncrypt({ key: await publicKey(KeyId), ...oaep }, MESSAGE)
    const answer = await kms.decrypt({ KeyId, CiphertextBlob: blob, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' })
    assert.deepEqual(Buffer.from(answer.Plaintext), MESSAGE)
  },

  async 'what is encapsulated outside is decapsulated here'() {
    for (const KeySpec of ['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024']) {
      const { KeyId } = await newKey({ KeySpec, KeyUsage: 'ENCAPSULATE_DECAPSULATE' })
      const { sharedKey, ciphertext } = crypto.encapsulate(await publicKey(KeyId))
      const { SharedSecret } = await kms.decapsulate({
        KeyId, EncapsulationAlgorithm: 'ML_KEM', SharedSecretCiphertextBlob: ciphertext
      })
      assert.deepEqual(Buffer.from(SharedSecret), Buffer.from(sharedKey), KeySpec)
    }
  },

  async 'data key pairs for encapsulation work outside'() {
    const { KeyId } = await newKey()
    for (const KeyPairSpec of ['ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024']) {
      const made = await kms.generateDataKeyPair({ KeyId, KeyPairSpec })
      const { sharedKey, ciphertext } = crypto.encapsulate(spki(made.PublicKey))
      const key = crypto.createPrivateKey({ key: Buffer.from(made.PrivateKeyPlaintext), format: 'der', type: 'pkcs8' })
      assert.deepEqual(crypto.decapsulate(key, ciphertext), sharedKey, KeyPairSpec)
    }
  },

  async 'both sides derive the same secret'() {
    const { KeyId } = await newKey({ KeySpec: 'ECC_NIST_P521', KeyUsage: 'KEY_AGREEMENT' })
    const ours = crypto.generateKeyPairSync('ec', { namedCurve: 'P-521' })
    const { SharedSecret } = await kms.deriveSharedSecret({
      KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: ours.publicKey.export({ type: 'spki', format: 'der' })
    })
    const expected = crypto.diffieHellman({ privateKey: ours.privateKey, publicKey: await publicKey(KeyId) })
    assert.deepEqual(Buffer.from(SharedSecret), expected)
  },

  async 'an imported key makes the MACs that it makes outside'() {
    const { KeyId } = await newKey({ KeySpec: 'HMAC_384', KeyUsage: 'GENERATE_VERIFY_MAC', Origin: 'EXTERNAL' })
    const material = crypto.randomBytes(48)
    const { ImportToken, PublicKey } = await kms.getParametersForImport({
      KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_3072'
    })
    const EncryptedKeyMaterial = crypto.publicEncrypt({ key: spki(PublicKey), oaepHash: 'sha256' }, material)
    const ValidTo = new Date(Math.ceil(Date.now() / 1000 + 3600) * 1000)
    await kms.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial, ValidTo })
    const { KeyMetadata } = await kms.describeKey({ KeyId })
    assert.deepEqual([KeyMetadata.KeyState, KeyMetadata.ValidTo], ['Enabled', ValidTo])
    const { Mac } = await kms.generateMac({ KeyId, Message: MESSAGE, MacAlgorithm: 'HMAC_SHA_384' })
    assert.deepEqual(Buffer.from(Mac), crypto.createHmac('sha384', material).update(MESSAGE).digest())
  },
}

async function newKey(options = {}) {
  return (await kms.createKey(options)).KeyMetadata
}

async function publicKey(KeyId) {
  return spki((await kms.getPublicKey({ KeyId })).PublicKey)
}

function spki(bytes) {
  return crypto.createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' })
}

async function main() {
  for (const [name, test] of Object.entries(TESTS)) {
    try {
      await test()
      console.log(`passed: ${name}`)
    } catch (error) {
      console.error(`FAILED: ${name}`, error)
      process.exitCode = 1
    }
  }
}

main()
