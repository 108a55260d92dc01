import { Prediction } from './prediction.jsx'

export default function Page() {
  return <Prediction />
}
