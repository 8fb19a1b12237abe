// Prints joint regime contexts as they are published, a line of JSON each; ends after --count of them.
//
//     npm ci
//     node contexts.js --asyncapi ../../schemas/asyncapi.json --brokers localhost:9092 --group my-group
//
// What it knows of the topic stands in the AsyncAPI document: the address, the record's JSON Schema, and, in its words,
// that copies share event_id and how a vector is written.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { Consumer, stringDeserializers } from '@platformatic/kafka'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const { values: options } = parseArgs({
  options: {
    asyncapi: { type: 'string' },
    brokers: { type: 'string' },
    group: { type: 'string', default: 'stream-app-example' },
    prefix: { type: 'string', default: '' }, // the setting topic_prefix
    count: { type: 'string', default: 'Infinity' }
  }
})
const REMEMBERED_COPIES = 10_000

const document = JSON.parse(await readFile(options.asyncapi, 'utf8'))
const channel = document.channels['regimes.contexts']
const schemaFile = resolve(dirname(options.asyncapi), channel.messages.JointRegimeContext.payload.schema.$ref)
const schema = JSON.parse(await readFile(schemaFile, 'utf8'))
const ajv = new Ajv2020({ strict: false })
addFormats(ajv)
const isContext = ajv.compile(schema)

function numbersOf (vector) {
  const bytes = Buffer.from(vector.data, 'base64')
  return Array.from({ length: vector.dim }, (_, index) => bytes.readFloatLE(4 * index))
}

const consumer = new Consumer({
  clientId: 'stream-app-example',
  groupId: options.group,
  bootstrapBrokers: options.brokers.split(','),
  deserializers: stringDeserializers
})
const stream = await consumer.consume({
  topics: [options.prefix + channel.address],
  mode: 'committed',
  fallbackMode: 'earliest',
  isolationLevel: 'READ_COMMITTED',
  autocommit: false // a context is committed once it is dealt with
})

const seen = new Set() // in the order in which they came
let left = Number(options.count)
for await (const message of stream) {
  const context = JSON.parse(message.value)
  if (!isContext(context)) {
    throw new Error(`offset ${message.offset}: ${ajv.errorsText(isContext.errors)}`)
  }
  if (!seen.has(context.event_id)) {
    seen.add(context.event_id)
    if (seen.size > REMEMBERED_COPIES) seen.delete(seen.values().next().value)
    const numbers = context.vector === null ? null : numbersOf(context.vector)
    console.log(JSON.stringify({
      region: context.region,
      as_of: context.as_of,
      model_id: context.model_id,
      revision: context.revision,
      regime_label: context.regime_label,
      l2_norm: numbers && Math.hypot(...numbers),
      vector_sha256: context.vector && createHash('sha256').update(context.vector.data, 'base64').digest('hex')
    }))
    left -= 1
  }
  await message.commit()
  if (left <= 0) break
}
await consumer.close(true)
