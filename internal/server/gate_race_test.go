package server_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/servertest"
	"github.com/amparo-project/amparo/internal/store"
	"github.com/amparo-project/amparo/internal/store/memory"
)

// TestNothingLeavesAfterAWithdrawal lets somebody take everything back while others are
// sending: in the order of the ledger nothing stands behind the withdrawal, and whoever
// came too late is told why.
func TestNothingLeavesAfterAWithdrawal(t *testing.T) {
	rounds := 30
	if *long {
		rounds = 3000
	}
	for name, engine := range map[string]store.Engine{"in memory": memory.New(memory.Limits{}), "on disk": nil} {
		t.Run(name, func(t *testing.T) {
			w := &world{Service: servertest.Start(t, servertest.Options{Engine: engine})}
			officer := w.Enrol(t, "officer", []amparov1.Role{amparov1.Role_ROLE_CASE_OFFICER}, []string{"north"})
			operator := w.Enrol(t, "operator", []amparov1.Role{amparov1.Role_ROLE_HOTLINE_OPERATOR}, []string{"north"})
			elsewhere := w.Enrol(t, "elsewhere", []amparov1.Role{amparov1.Role_ROLE_PROGRAMME_OFFICER}, []string{"south"})
			id, inTime, late := "", 0, 0
			for round := range rounds {
				if round%20 == 0 {
					id = w.newCase(t, officer, func(c *amparov1.Case) { c.RiskLevel = amparov1.RiskLevel_RISK_LEVEL_LOW })
				}
				in, out := race(t, id, []desk{deskOf(officer), deskOf(operator)}, deskOf(elsewhere), round%2 == 0)
				inTime, late = inTime+in, late+out
			}
			t.Logf("%d left before a withdrawal, %d came too late", inTime, late)
			if inTime < rounds/4 || late < rounds/4 {
				t.Error("the two hardly met")
			}
		})
	}
}

// race sends from eight places at once, on the ordinary track or on the urgent one, and
// withdraws in the middle of it.
func race(t *testing.T, id string, senders []desk, heard desk, urgent bool) (inTime, late int) {
	t.Helper()
	yes := must[*amparov1.RecordConsentResponse](t)(senders[0].record(t, id, yes()))
	must[*amparov1.CheckHarmResponse](t)(senders[0].check(t, id, harmless()))
	var mu sync.Mutex
	var all sync.WaitGroup
	left := map[uint32]bool{}
	for i := range 8 {
		all.Go(func() {
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
			from, draft := senders[i%len(senders)], leaving()
			if urgent {
				from, draft = senders[1], hurried()
			}
			answer, err := from.disclose(t, id, draft)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				left[answer.GetNumber()] = true
			case reason(err) != "CONSENT_WITHDRAWN":
				t.Errorf("sent too late, and told %v", err)
			default:
				late++
			}
		})
	}
	time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
	withdrawn := must[*amparov1.WithdrawConsentResponse](t)(heard.withdraw(t, id, &amparov1.WithdrawalDraft{Everything: true}))
	all.Wait()
	for _, entry := range must[[]*amparov1.LedgerEntry](t)(senders[0].list(t, id)) {
		if entry.GetNumber() <= yes.GetNumber() || entry.GetDisclosure() == nil {
			continue
		}
		if entry.GetNumber() > withdrawn.GetNumber() {
			t.Errorf("entry %d left after the withdrawal, which is entry %d", entry.GetNumber(), withdrawn.GetNumber())
		}
		if !left[entry.GetNumber()] {
			t.Errorf("entry %d left, and nobody was told so", entry.GetNumber())
		}
		delete(left, entry.GetNumber())
		inTime++
	}
	if len(left) > 0 {
		t.Errorf("%d were told that it left, and the ledger knows nothing of it", len(left))
	}
	return inTime, late
}
