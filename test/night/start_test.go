package night_test
import ("testing";"time")
func TestSmoke(t *testing.T) {
	s := newService(t, "info")
	t.Log(s.start())
	b := time.Now()
	admin := s.administrator()
	h := s.hire(admin, "head", head, "bogota")
	o := s.hire(admin, "op", operator, "bogota")
	a := s.hire(admin, "auditor", auditor)
	t.Log(time.Since(b), h.id(), o.id())
	s.exported(a)
	s.kill()
	for range 5 { t.Log(s.start()); s.kill() }
	s.start()
	s.stop()
	b = time.Now()
	t.Log(s.check(), time.Since(b))
}
