// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import { Action, ErrorText, Table, useAsked } from '../parts'
import { timeOf } from '../words'

export function ImportsPage(props: PageProps) {
  const id = props.path[0]
  return id ? <Rejects key={id} {...props} importId={Number(id)} /> : <AllImports {...props} />
}

function progress(done: number | undefined, total: number | undefined): string {
  return done !== undefined && total ? `${Math.min(100, Math.floor((done * 100) / total))} %` : ''
}

function AllImports({ desktop }: PageProps) {
  const { data, error } = useAsked(() => desktop.ask('outbound.ImportList', { limit: 100 }), 'imports', 2000)
  return (
    <>
      <h1>Imports</h1>
      <ErrorText text={error} />
      <Table
        caption="Imports"
        rows={data?.imports}
        empty="Nothing was imported yet: carillon import FILE --list LIST."
        columns={[
          { title: 'Import', cell: (row) => <a href={`#/imports/${row.importId}`}>{row.importId}</a> },
          { title: 'File', cell: (row) => row.fileName },
          { title: 'List', cell: (row) => row.list },
          { title: 'State', cell: (row) => row.state },
          { title: 'Done', isNumber: true, cell: (row) => progress(row.doneBytes, row.totalBytes) },
          { title: 'Rows', isNumber: true, cell: (row) => row.inserted },
          { title: 'Chains', isNumber: true, cell: (row) => row.chains },
          { title: 'Rejected', isNumber: true, cell: (row) => row.rejected },
          { title: 'Duplicates', isNumber: true, cell: (row) => row.duplicates },
          { title: 'Do not call', isNumber: true, cell: (row) => row.blocked },
          { title: 'Began', cell: (row) => timeOf(row.startedAt) },
          { title: 'Ended', cell: (row) => timeOf(row.endedAt) },
        ]}
      />
    </>
  )
}

function Rejects({ desktop, importId }: PageProps & { importId: number }) {
  const [lines, setLines] = useState<number[]>([])
  const after = lines.at(-1)
  const { data, error } = useAsked(() => desktop.ask('outbound.ImportRejects', { importId, limit: 100, ...(after !== undefined && { after }) }), String(after))
  const last = data?.rejects?.at(-1)
  return (
    <>
      <h1>Rejects of import {importId}</h1>
      <p>
        <a href="#/imports">All imports</a>
      </p>
      <ErrorText text={error} />
      <Table
        caption="What was left out, or loaded with a remark"
        rows={data?.rejects}
        empty="Nothing was left out."
        columns={[
          { title: 'Line', isNumber: true, cell: (row) => row.line },
          { title: 'Field', cell: (row) => row.field },
          { title: 'Rule', cell: (row) => row.rule },
          { title: 'Value', cell: (row) => row.value },
        ]}
      />
      <p class="actions">
        <Action name="Page before" isDisabled={lines.length === 0} run={async () => setLines(lines.slice(0, -1))} />
        <Action name="Next page" isDisabled={!data?.more || !last} run={async () => last && setLines([...lines, last.line])} />
      </p>
    </>
  )
}
