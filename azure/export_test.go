package azure

import "time"

// Forget makes the cache believe that it looked long ago.
func (a *Azure) Forget() {
	a.certificates.mu.Lock()
	defer a.certificates.mu.Unlock()
	a.certificates.looked = time.Time{}
}
