'use client'
import { useEffect, useState } from 'react'
import { createAfield } from 'afield'
import { useModel } from 'afield/react'
import deployment from '../deployment.json'

const { repository, root, record } = deployment
const afield = createAfield({ repository, root })

export function Prediction() {
  const risk = useModel(afield, 'learner-risk')
  const [answer, setAnswer] = useState()
  useEffect(() => {
    if (risk.status === 'ready') void risk.predict(record).then(({ outputs }) => setAnswer(outputs))
  }, [risk])
  return <p data-answer={answer && JSON.stringify(answer)}>{risk.status}</p>
}
