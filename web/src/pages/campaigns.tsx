// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { CampaignStatus, Requests } from '../messages'
import { Action, ErrorText, Notice, Table, useAsked, wordsOf } from '../parts'
import { DIAL_MODES, PREVIEW, nameOf } from '../words'

type Order = 'CampaignLoad' | 'CampaignStart' | 'CampaignStop' | 'CampaignUnload' | 'CampaignForceUnload'

const REFRESH_MS = 3000

function condition(group: CampaignStatus): string {
  const words = [
    group.GSW_SYSTEM_ERROR && 'system error',
    group.GSW_WAITING_RECORDS && 'waiting for records',
    group.GSW_WAITING_AGENTS && 'waiting for agents',
    group.GSW_WAITING_PORTS && 'waiting for ports',
  ]
  return words.filter(Boolean).join(', ')
}

export function CampaignsPage({ desktop }: PageProps) {
  const { data, error, again } = useAsked(() => desktop.ask('outbound.CampaignGroupList', {}), 'groups', REFRESH_MS)
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  useEffect(() => {
    const ends = (['CampaignLoaded', 'CampaignUnloaded', 'CampaignStarted', 'CampaignStopped', 'CampaignModeChanged'] as const).map((name) => desktop.on(name, again))
    return () => ends.forEach((end) => end())
  }, [desktop])

  const order = async (name: Order, group: CampaignStatus) => {
    if (name === 'CampaignForceUnload' && !confirm(`Records that agents of ${group.GSW_CAMPAIGN_GROUP_NAME} work on become Stale. Go on?`)) return
    const fields: Partial<Requests['outbound.CampaignStart']['fields']> = { GSW_CAMPAIGN_GROUP_DBID: group.GSW_CAMPAIGN_GROUP_DBID }
    if (name === 'CampaignStart') fields.GSW_DIAL_MODE = PREVIEW
    try {
      const reply = await desktop.ask(`outbound.${name}`, fields)
      setSaid(`${reply.GSW_CAMPAIGN_GROUP_NAME}: ${reply.GSW_CAMPAIGN_GROUP_STATE}`)
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
    again()
  }
  const button = (name: Order, title: string, group: CampaignStatus, states: string[]) => (
    <Action name={title} describe={`${title} ${group.GSW_CAMPAIGN_GROUP_NAME}`} isDisabled={!states.includes(group.GSW_STATE ?? '')} run={() => order(name, group)} />
  )
  return (
    <>
      <h1>Campaigns</h1>
      <Notice text={said} />
      <ErrorText text={fault || error} />
      <Table
        caption="Campaign groups"
        rows={data?.Campaigns}
        empty="No campaign groups are configured."
        columns={[
          { title: 'Campaign group', cell: (group) => group.GSW_CAMPAIGN_GROUP_NAME },
          { title: 'Campaign', cell: (group) => group.GSW_CAMPAIGN_NAME },
          { title: 'Agents', cell: (group) => group.GSW_GROUP_NAME },
          { title: 'State', cell: (group) => (group.GSW_STATE === 'null' ? 'not loaded' : group.GSW_STATE) },
          { title: 'Mode', cell: (group) => nameOf(DIAL_MODES, group.GSW_DIAL_MODE) },
          { title: 'Condition', cell: condition },
          { title: 'Buffered', isNumber: true, cell: (group) => group.GSW_RECORDS_BUFFERED },
          { title: 'Put off', isNumber: true, cell: (group) => group.GSW_RECORDS_SCHEDULED },
          { title: 'With agents', isNumber: true, cell: (group) => group.GSW_RECORDS_IN_PROGRESS },
          { title: 'Processed', isNumber: true, cell: (group) => group.GSW_RECORDS_PROCESSED },
          {
            title: 'Orders',
            cell: (group) => (
              <span class="actions">
                {button('CampaignLoad', 'Load', group, ['null'])}
                {button('CampaignStart', 'Start', group, ['loaded'])}
                {button('CampaignStop', 'Stop', group, ['started'])}
                {button('CampaignUnload', 'Unload', group, ['loaded', 'started'])}
                {button('CampaignForceUnload', 'Force unload', group, ['loaded', 'started', 'unloading'])}
              </span>
            ),
          },
        ]}
      />
    </>
  )
}
