// Checks docs/asyncapi.yaml with the parser of the AsyncAPI initiative, and the
// examples in it, which the parser does not look at, against the JSON Schemas of
// their messages. It prints what is wrong and ends with 1; else it lists the
// channels and ends with 0. Its arguments are the document and the folder of the
// schemas.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Parser, fromFile } from '@asyncapi/parser'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const [path, folder] = process.argv.slice(2)
const wrong = []

const { document, diagnostics } = await fromFile(new Parser(), path).parse()
for (const d of diagnostics.filter((d) => d.severity <= 1)) { // errors and warnings
  wrong.push(`${d.source ?? path}:${d.range.start.line + 1}: ${d.message} (at ${d.path.join('.')})`)
}

const ajv = addFormats(new Ajv({ strict: false }))
const ids = {}
for (const file of readdirSync(folder)) {
  const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  ajv.addSchema(schema)
  ids[file.replace('.json', '')] = schema.$id
}
let examples = 0
for (const message of document?.components().messages().all() ?? []) {
  for (const example of message.examples().all()) {
    examples++
    const valid = ajv.getSchema(ids[message.id()])
    if (!valid(example.payload())) {
      wrong.push(`${path}: the example ${example.name()} of ${message.id()}: ${ajv.errorsText(valid.errors)}`)
    }
  }
}
if (examples === 0) wrong.push(`${path}: there is no example`)

if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
for (const channel of document.channels().all()) console.log(channel.address())
