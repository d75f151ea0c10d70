// SPDX-License-Identifier: Apache-2.0
// Configuration objects: the types, the objects of one, and one object in a form. Nothing is written before its plan was seen.

import { useEffect, useState } from 'preact/hooks'
import { changesOf, patchOf, type Body, type Change } from '../changes'
import { ObjectForm } from '../form'
import type { PageProps } from '../main'
import type { ChangeOp, ConfigObject } from '../messages'
import { Action, ErrorText, Facts, Input, Notice, Pager, Select, Table, useAsked, wordsOf } from '../parts'
import { objectType, objectTypes, optionsOf, type ObjectType, type Option } from '../rest'
import { Permissions } from './permissions'

const PAGE = 50
const NEW = 'new'
const GIVEN = ['dbid', 'tenant'] // by the store and by the page

export function ObjectsPage(props: PageProps) {
  const [type, dbid] = props.path
  if (type && dbid) return <OneObject key={`${type} ${dbid}`} {...props} typeName={type} dbid={dbid} />
  return type ? <ObjectsOfType key={type} {...props} typeName={type} /> : <AllTypes />
}

export function objectPath(type: string, dbid: number | string): string {
  return `#/objects/${encodeURIComponent(type)}/${dbid}`
}

function AllTypes() {
  const { data, error } = useAsked(objectTypes, 'types')
  return (
    <>
      <h1>Objects</h1>
      <p>
        <a href="#/apply">Plan and apply a configuration file</a>
      </p>
      <ErrorText text={error} />
      <Table
        caption="Object types"
        rows={data ?? undefined}
        empty="There are no object types."
        columns={[
          { title: 'Type', cell: (type) => <a href={`#/objects/${type.name}`}>{type.name}</a> },
          { title: 'What it is', cell: (type) => type.help },
          { title: 'Whose', cell: (type) => (type.isGlobal ? 'of the installation' : 'of a tenant') },
        ]}
      />
    </>
  )
}

function ObjectsOfType({ desktop, typeName }: PageProps & { typeName: string }) {
  const none = { tenant: '', name: '', folder: '', state: '', filter: '' }
  const [wanted, setWanted] = useState(none)
  const [asked, setAsked] = useState(none)
  const [pages, setPages] = useState<number[]>([]) // the last DBID of each page before this one
  const after = pages.at(-1)
  const { data, error } = useAsked(() => {
    const { state, ...words } = asked
    const given = Object.fromEntries(Object.entries(words).filter(([, word]) => word))
    return desktop.ask('config.Read', { type: typeName, limit: PAGE, ...given, ...(state && { state: state as 'enabled' | 'disabled' }), ...(after && { after }) })
  }, JSON.stringify([asked, after]))
  const last = data?.objects?.at(-1)
  return (
    <>
      <h1>{typeName}</h1>
      <p class="actions">
        <a href="#/objects">All types</a>
        <a href={objectPath(typeName, NEW)}>New {typeName}</a>
      </p>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          setPages([])
          setAsked(wanted)
        }}
      >
        <Input label="Tenant" value={wanted.tenant} onValue={(tenant) => setWanted({ ...wanted, tenant })} />
        <Input label="Name" value={wanted.name} onValue={(name) => setWanted({ ...wanted, name })} />
        <Input label="Folder" value={wanted.folder} onValue={(folder) => setWanted({ ...wanted, folder })} />
        <Select label="State" value={wanted.state} onValue={(state) => setWanted({ ...wanted, state })} choices={[['', 'any'], ['enabled', 'enabled'], ['disabled', 'disabled']]} />
        <Input label="Filter, such as annex.GMS.x eq 'y'" value={wanted.filter} onValue={(filter) => setWanted({ ...wanted, filter })} />
        <button>Search</button>
      </form>
      <ErrorText text={error} />
      <Table
        caption={`Objects of type ${typeName}`}
        rows={data?.objects}
        empty="No objects match."
        columns={[
          { title: 'Key', cell: (row) => <a href={objectPath(typeName, row.dbid)}>{row.key}</a> },
          { title: 'DBID', isNumber: true, cell: (row) => row.dbid },
          { title: 'Tenant', cell: (row) => row.tenant },
          { title: 'State', cell: (row) => String(bodyOf(row).state ?? 'enabled') },
          { title: 'Revision', isNumber: true, cell: (row) => row.rev },
        ]}
      />
      <Pager pages={pages} onPages={setPages} next={data?.more ? last?.dbid : undefined} />
    </>
  )
}

function bodyOf(object: ConfigObject | undefined): Body {
  return object?.body ? (JSON.parse(object.body) as Body) : {}
}

interface Loaded {
  type: ObjectType
  object?: ConfigObject
  options: Option[]
}

function OneObject({ desktop, typeName, dbid }: PageProps & { typeName: string; dbid: string }) {
  const isNew = dbid === NEW
  const [body, setBody] = useState<Body | null>(null)
  const [tenant, setTenant] = useState('')
  const [said, setSaid] = useState('')
  const load = async (): Promise<Loaded> => {
    const type = await objectType(typeName)
    const objects = isNew ? [] : (await desktop.ask('config.Read', { type: typeName, dbid: Number(dbid) })).objects
    const object = objects?.[0]
    if (!isNew && !object) throw new Error('There is no such object, or you may not see it.')
    const appType = typeName === 'Application' ? String(bodyOf(object).type ?? '') : ''
    return { type, object, options: typeName === 'Application' ? await optionsOf(appType) : [] }
  }
  const { data, error, again } = useAsked(load, `${typeName} ${dbid}`)
  useEffect(() => {
    if (data) setBody(bodyOf(data.object))
  }, [data])
  if (!data || !body) return <ErrorText text={error} />
  const { type, object } = data
  const write = async (op: ChangeOp, comment: string) => {
    const done = await desktop.ask('config.ChangeSet', { ops: [op], ...(comment && { comment }) })
    const dbidNow = done.objects?.[0]?.dbid
    setSaid(`Revision ${done.rev}.${done.warnings?.length ? ` ${done.warnings.join(' ')}` : ''}`)
    if (op.op === 'create' && dbidNow) location.hash = objectPath(typeName, dbidNow)
    else if (op.op === 'delete') location.hash = `#/objects/${typeName}`
    else again()
  }
  const target = { type: typeName, ...(object?.tenant && { tenant: object.tenant }), ...(object && { key: String(object.dbid), rev: object.rev }) }
  const old = bodyOf(object)
  const op: ChangeOp = isNew
    ? { op: 'create', type: typeName, ...(tenant && { tenant }), value: JSON.stringify(body) }
    : { op: 'update', ...target, value: JSON.stringify(patchOf(old, body)) }
  return (
    <>
      <h1>{isNew ? `New ${typeName}` : `${typeName} ${object?.key}`}</h1>
      <p>
        <a href={`#/objects/${typeName}`}>All of type {typeName}</a>
      </p>
      <Notice text={said} />
      <ErrorText text={error} />
      <Facts
        facts={[
          ['DBID', object?.dbid],
          ['Tenant', object?.tenant],
          ['Revision', object?.rev],
          ['History', object && <a href={`#/history/${typeName}/${object.dbid}`}>What became of it</a>],
        ]}
      />
      {isNew && !type.isGlobal && <Input label="Tenant, if not Environment" value={tenant} onValue={setTenant} />}
      <ObjectForm key={object?.rev ?? NEW} fields={type.fields.filter((field) => !GIVEN.includes(field.name))} body={body} onBody={setBody} options={data.options} />
      <WritePlan changes={changesOf(old, body)} write={(comment) => write(op, comment)} />
      {object && <Deletion remove={(cascade) => write({ op: 'delete', ...target, cascade }, '')} />}
      {object && <Permissions desktop={desktop} object={object} onChange={again} />}
    </>
  )
}

function WritePlan({ changes, write }: { changes: Change[]; write: (comment: string) => Promise<void> }) {
  const [comment, setComment] = useState('')
  const [fault, setFault] = useState('')
  return (
    <section aria-label="Plan">
      <h2>Plan</h2>
      <Changes caption="What applying would change" changes={changes} />
      <ErrorText text={fault} />
      <div class="row">
        <Input label="Comment for the history" value={comment} maxLength={1024} onValue={setComment} />
        <Action
          name="Apply"
          kind="main"
          isDisabled={changes.length === 0}
          run={() =>
            write(comment).then(
              () => setFault(''),
              (error: unknown) => setFault(wordsOf(error)),
            )
          }
        />
      </div>
    </section>
  )
}

export function Changes({ caption, changes }: { caption: string; changes: Change[] }) {
  return (
    <Table
      caption={caption}
      rows={changes}
      empty="Nothing."
      columns={[
        { title: 'Property', cell: (change) => change.path },
        { title: 'Old', cell: (change) => <code>{change.old}</code> },
        { title: 'New', cell: (change) => <code>{change.new}</code> },
      ]}
    />
  )
}

function Deletion({ remove }: { remove: (cascade: 'none' | 'unlink') => Promise<void> }) {
  const [fault, setFault] = useState('')
  const run = async (cascade: 'none' | 'unlink', question: string) => {
    if (!confirm(question)) return
    await remove(cascade).catch((error: unknown) => setFault(wordsOf(error)))
  }
  return (
    <section aria-label="Deletion">
      <ErrorText text={fault} />
      <p class="actions">
        <Action name="Delete" kind="danger" run={() => run('none', 'Delete this object?')} />
        <Action name="Delete and unlink" kind="danger" run={() => run('unlink', 'Delete this object, and remove every reference to it?')} />
      </p>
    </section>
  )
}
