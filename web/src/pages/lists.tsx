// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { RecordRow } from '../messages'
import { ErrorText, Input, Pager, Select, Table, useAsked } from '../parts'
import { CALL_RESULTS, RECORD_STATUSES, RECORD_TYPES, nameOf, timeOf } from '../words'

const REFRESH_MS = 10000
const PAGE = 50

export function ListsPage(props: PageProps) {
  const list = props.path[0]
  return list ? <RecordsPage key={list} {...props} list={list} /> : <AllLists {...props} />
}

function AllLists({ desktop }: PageProps) {
  const { data, error } = useAsked(() => desktop.ask('outbound.CallingListList', {}), 'lists', REFRESH_MS)
  return (
    <>
      <h1>Lists</h1>
      <ErrorText text={error} />
      <Table
        caption="Calling lists"
        rows={data?.lists}
        empty="No calling lists are configured."
        columns={[
          { title: 'List', cell: (list) => <a href={`#/lists/${encodeURIComponent(list.name ?? '')}`}>{list.name}</a> },
          { title: 'Table', cell: (list) => list.table },
          { title: 'Campaigns', cell: (list) => list.campaigns?.join(', ') },
          { title: 'Records', isNumber: true, cell: (list) => list.records },
          { title: 'Ready', isNumber: true, cell: (list) => list.ready },
          { title: 'Retrieved', isNumber: true, cell: (list) => list.retrieved },
          { title: 'Updated', isNumber: true, cell: (list) => list.updated },
          { title: 'Other', isNumber: true, cell: (list) => list.other },
          { title: 'Remark', cell: (list) => list.words },
        ]}
      />
    </>
  )
}

interface Filter {
  phone: string
  status: string
}

function RecordsPage({ desktop, list }: PageProps & { list: string }) {
  const [wanted, setWanted] = useState<Filter>({ phone: '', status: '' })
  const [filter, setFilter] = useState<Filter>(wanted)
  const [pages, setPages] = useState<RecordRow[]>([]) // the last row of each page before this one
  const behind = pages.at(-1)
  const ask = () =>
    desktop.ask('outbound.RecordList', {
      list,
      limit: PAGE,
      ...(filter.phone && { phone: filter.phone }),
      ...(filter.status && { recordStatus: Number(filter.status) }),
      ...(behind && { afterChainId: behind.chainId, afterChainN: behind.chainN }),
    })
  const { data, error } = useAsked(ask, JSON.stringify([filter, behind?.chainId, behind?.chainN]))
  const last = data?.records?.at(-1)
  return (
    <>
      <h1>List {list}</h1>
      <p>
        <a href="#/lists">All lists</a>
      </p>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          setPages([])
          setFilter(wanted)
        }}
      >
        <Input label="Phone" inputMode="tel" value={wanted.phone} onValue={(phone) => setWanted({ ...wanted, phone })} />
        <Select
          label="Status"
          value={wanted.status}
          onValue={(status) => setWanted({ ...wanted, status })}
          choices={[['', 'any'], ...RECORD_STATUSES.map((name, value): [string, string] => [String(value), name])]}
        />
        <button>Search</button>
      </form>
      <ErrorText text={error} />
      <Table
        caption={`Records of ${list}`}
        rows={data?.records}
        empty="No records match."
        columns={[
          { title: 'Chain', cell: (row) => <a href={`#/chain/${encodeURIComponent(list)}/${row.chainId}`}>{row.chainId}</a> },
          { title: 'N', isNumber: true, cell: (row) => row.chainN },
          { title: 'Phone', cell: (row) => row.phone },
          { title: 'Type', cell: (row) => nameOf(RECORD_TYPES, row.recordType) },
          { title: 'Status', cell: (row) => nameOf(RECORD_STATUSES, row.recordStatus) },
          { title: 'Result', cell: (row) => nameOf(CALL_RESULTS, row.callResult) },
          { title: 'Attempts', isNumber: true, cell: (row) => row.attempts },
          { title: 'Scheduled', cell: (row) => timeOf((row.scheduledTime ?? 0) * 1000) },
          { title: 'Agent', cell: (row) => row.agentId },
        ]}
      />
      <Pager pages={pages} onPages={setPages} next={data?.more ? last : undefined} />
    </>
  )
}
